"""Traced nets against `torch.func`: the same numbers, and refusal where there can be none."""

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import default_rng

import theory.nets.program as program_module
import theory.nets.traced as traced_module
from theory.nets import HomogeneousNet, PairNet
from theory.nets.traced import Kept, TracedNet, traced_net
from theory.nets.traced_pairs import TracedPairs

SAMPLES = 5


class TwoLayers(HomogeneousNet):
    """P = 24: eight neurons on pairs, differing by the activation."""

    degree = 3

    def __init__(self, activation: Any) -> None:
        self.activation = activation

    def forward(self, theta: Any, inputs: Any) -> Any:
        hidden = inputs[:, :2] @ theta[8:].reshape(8, 2).T
        return self.activation(hidden) @ theta[:8]


class Convolution(HomogeneousNet):
    """P = 24 on images of 3 x 3, twice convolved."""

    degree = 5

    def forward(self, theta: Any, inputs: Any) -> Any:
        convolve = torch.nn.functional.conv2d
        hidden = convolve(inputs.reshape(-1, 1, 3, 3), theta[:8].reshape(2, 1, 2, 2)) ** 2
        return (
            convolve(hidden, theta[8:16].reshape(1, 2, 2, 2)).reshape(-1) * theta[16:].norm() ** 2
        )


class Pooled(HomogeneousNet):
    """P = 24 on pairs, the largest of each two of eight squares: indices that depend on theta."""

    degree = 3

    def forward(self, theta: Any, inputs: Any) -> Any:
        squares = (inputs[:, :2] @ theta[8:].reshape(8, 2).T) ** 2
        largest = torch.nn.functional.max_pool1d(squares[:, None], 2)[:, 0]
        return largest @ (theta[:4] - theta[4:8])


class Attention(HomogeneousNet):
    """P = 24 on triples of numbers as three tokens; quotients, sums and joined parts."""

    degree = 4

    def forward(self, theta: Any, inputs: Any) -> Any:
        a, b, c = theta.reshape(3, 8)
        tokens = inputs[:, :3, None] * a
        scores = torch.einsum("nik,njk->nij", tokens, tokens * b)
        mixed = torch.cat([scores, scores.mT], dim=1).sum((1, 2))
        return mixed * c.square().sum() / (theta.square().sum().sqrt() + c.abs().sum()) * theta[0]


class Chosen(TwoLayers):
    """Not one straight line: a branch on the values of theta."""

    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta if float(theta[0].detach()) > 0 else -theta, inputs)


class Dropout(TwoLayers):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return torch.nn.functional.dropout(super().forward(theta, inputs))


class Single(TwoLayers):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta.float(), inputs.float()).double()


class Centred(TwoLayers):
    """Depends on other samples: one sample at a time it is another function."""

    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta, inputs - inputs.mean(0))


class Parts(HomogeneousNet):
    """Parameters in parts, as those of a module, with a bias in its place and rectifiers."""

    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        weights, biases, readout = theta.split([12, 6, 6])
        hidden = torch.nn.functional.linear(inputs[:, :2], weights.reshape(6, 2), biases)
        first, second = hidden.split(3, dim=-1)
        bent = torch.cat([torch.maximum(first, 0.1 * first), torch.minimum(second, first)], dim=1)
        return bent @ readout


class Slices(HomogeneousNet):
    """Of theta, from the back, along ranges that may overlap and leave some of it unused."""

    degree = 3

    def __init__(self, *starts: int) -> None:
        self.starts = starts

    def forward(self, theta: Any, inputs: Any) -> Any:
        found = torch.ones(len(inputs), dtype=torch.float64)
        for start in self.starts[::-1]:
            found = found * (inputs[:, :8] @ theta[start : start + 8])
        return found


NETS = {
    "parts": Parts(),
    "slices": Slices(0, 8, 16),
    "overlapping slices": Slices(0, 4, 16),
    "slices with a gap": Slices(0, 8, 8),
    "square": TwoLayers(lambda z: z**2),
    "cube": TwoLayers(lambda z: z * z * z),
    "fourth power": TwoLayers(lambda z: z.pow(4)),
    "relu squared": TwoLayers(lambda z: torch.relu(z) ** 2),
    "leaky relu cubed": TwoLayers(lambda z: torch.nn.functional.leaky_relu(z, 0.1) ** 3),
    "smooth, no polynomial": TwoLayers(lambda z: (z**2 + 0.3 * z.abs() ** 2.5).sqrt()),
    "sorted": TwoLayers(lambda z: (z**2).sort(dim=1).values * torch.arange(1.0, 9.0).double()),
    "convolution": Convolution(),
    "pooled": Pooled(),
    "attention": Attention(),
}


def traced(net: HomogeneousNet) -> TracedNet | None:
    return traced_net(net, 24, default_rng(0).standard_normal((SAMPLES, 9)))


@pytest.mark.parametrize("name", ["parts", "relu squared", "square"])
def test_common_operations_are_none_of_torchs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these takes several times as long as its twin in numpy."""

    def never(target: Any, _: Any) -> None:
        raise AssertionError(f"{target} has no twin")

    monkeypatch.setattr("theory.nets.program.torch_call", never)
    assert traced(copy.deepcopy(NETS[name])) is not None


@pytest.mark.parametrize("name", NETS)
def test_traced_and_transformed_nets_agree(name: str) -> None:
    net, rng = NETS[name], default_rng(3)
    own = traced(net)
    assert own is not None
    inputs = own.inputs
    for scale in (1.0, 1e-3, 1e3):
        theta, weights = scale * rng.standard_normal(24), rng.standard_normal(SAMPLES)
        step = 1e-4 * scale * rng.standard_normal(24)
        tensors = [torch.from_numpy(a) for a in (theta, inputs)]
        jacobian = torch.func.jacrev(net.forward)(*tensors).numpy()
        hessian = net.weighted_hessian(theta, inputs, weights)
        for found, known in (
            (own.outputs(theta), net.outputs(theta, inputs)),
            (own.jacobian(theta), jacobian),
            (net.jacobian(theta, inputs), jacobian),
            (own.pull(theta, weights), weights @ jacobian),
            (own.increment(theta, step), net.increment(theta, step, inputs)),
            (own.weighted_hessian(theta, weights), hessian),
        ):
            np.testing.assert_allclose(found, known, rtol=0, atol=1e-12 * np.abs(known).max())


@pytest.mark.parametrize("name", NETS)
def test_polynomials_are_known(name: str) -> None:
    found = traced(NETS[name])
    assert found is not None
    assert found.polynomial == (name in ("square", "cube", "fourth power") or "slices" in name)


@pytest.mark.parametrize("name", NETS)
def test_several_steps_are_looked_at_in_one_pass(name: str) -> None:
    own, rng = traced(NETS[name]), default_rng(6)
    assert own is not None
    assert own._together is not None
    theta, steps = rng.standard_normal(24), 0.1 * rng.standard_normal((5, 24))
    for taken in (steps, steps[:2]):
        increments, jacobians = own.grown(theta, taken)
        for step, increment, jacobian in zip(taken, increments, jacobians, strict=True):
            for found, known in (
                (increment, own.increment(theta, step)),
                (jacobian, own.jacobian(theta + step)),
            ):
                np.testing.assert_allclose(found, known, rtol=0, atol=1e-12 * np.abs(known).max())


def test_gradients_of_slices_are_joined_where_they_neither_overlap_nor_leave_any_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    needed = program_module._needed

    def seen(lines: Sequence[str], returned: str) -> list[str]:
        written.extend(needed(lines, returned))
        return needed(lines, returned)

    monkeypatch.setattr(program_module, "_needed", seen)
    for starts, joined in (((0, 8, 16), True), ((0, 4, 16), False), ((0, 8, 8), False)):
        written.clear()
        assert traced(Slices(*starts)) is not None
        assert any("np.concatenate" in line for line in written) == joined


def test_what_several_steps_give_is_compared_before_anyone_relies_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = traced_module._side_by_side

    def second_step_for_the_first(*arguments: Any) -> Any:
        program = right(*arguments)
        assert program is not None
        return lambda theta, steps: program(theta, steps[[1, 1, 2, 3, 4]])

    monkeypatch.setattr(traced_module, "_side_by_side", second_step_for_the_first)
    assert traced(copy.deepcopy(NETS["square"])) is None


class Classes(HomogeneousNet):
    """P = 24: three outputs of three neurons on pairs."""

    degree = 3

    def __init__(self, activation: Any) -> None:
        self.activation = activation

    def forward(self, theta: Any, inputs: Any) -> Any:
        hidden = self.activation(inputs[:, :2] @ theta[18:].reshape(3, 2).T)
        return hidden @ theta[:9].reshape(3, 3).T + hidden @ theta[9:18].reshape(3, 3).T


@pytest.mark.parametrize("activation", [lambda z: z**2, lambda z: torch.relu(z) ** 2])
def test_several_outputs_and_their_margins_agree_with_transforms(activation: Any) -> None:
    net, rng = Classes(activation), default_rng(5)
    own = traced(net)
    assert own is not None
    pairs = PairNet(net, rng.integers(0, 3, SAMPLES), 3)
    rows, inputs = TracedPairs(pairs, own), own.inputs
    theta, weights = rng.standard_normal(24), rng.standard_normal(2 * SAMPLES)
    step, tensors = 1e-4 * rng.standard_normal(24), [torch.from_numpy(theta)]
    tensors.append(torch.from_numpy(inputs))
    jacobian = torch.func.jacrev(pairs.forward)(*tensors).numpy()
    np.testing.assert_allclose(own.outputs(theta), net.forward(*tensors).numpy(), atol=1e-13)
    for found, known in (
        (rows.outputs(theta), pairs.forward(*tensors).numpy()),
        (rows.jacobian(theta), jacobian),
        (pairs.jacobian(theta, inputs), jacobian),
        (rows.pull(theta, weights), weights @ jacobian),
        (rows.increment(theta, step), pairs.increment(theta, step, inputs)),
        (rows.weighted_hessian(theta, weights), pairs.weighted_hessian(theta, inputs, weights)),
        (rows.grown(theta, step[None])[0][0], pairs.increment(theta, step, inputs)),
        (rows.grown(theta - step, np.array([step] * 5))[1][4], jacobian),
    ):
        np.testing.assert_allclose(found, known, rtol=0, atol=1e-12 * np.abs(known).max())


@pytest.mark.parametrize("name", ["square", "cube", "relu squared", "convolution"])
def test_increments_of_long_and_tiny_steps_lose_no_digits(name: str) -> None:
    own, rng = traced(NETS[name]), default_rng(4)
    assert own is not None
    theta, step = rng.standard_normal((2, 24))
    long = own.outputs(theta + step) - own.outputs(theta)
    np.testing.assert_allclose(own.increment(theta, step), long, atol=1e-12 * np.abs(long).max())
    tiny = own.jacobian(theta) @ step * 1e-100
    np.testing.assert_allclose(
        own.increment(theta, 1e-100 * step), tiny, rtol=0, atol=1e-12 * np.abs(tiny).max()
    )


@pytest.mark.parametrize("wrong", [Chosen, Dropout, Single, Centred])
def test_what_is_no_straight_line_is_left_to_torch(wrong: Any) -> None:
    assert traced(wrong(lambda z: z**2)) is None


def test_a_net_that_its_owner_changes_is_traced_anew() -> None:
    net = TwoLayers(lambda z: z**2)
    first, again = traced(net), traced(net)
    assert first is again
    net.activation = lambda z: 2 * z**2
    second = traced(net)
    assert first is not None
    assert second is not None
    theta = np.ones(24)
    np.testing.assert_allclose(second.outputs(theta), 2 * first.outputs(theta))


def test_programs_are_neither_copied_nor_pickled() -> None:
    net = Convolution()
    assert traced(net) is not None
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert vars(copied)["_traced"] == Kept()


def test_the_number_of_threads_is_the_users_again() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert traced(TwoLayers(lambda z: z**2)) is not None
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
