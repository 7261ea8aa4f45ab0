"""The mean field theory: limits, two solvers, differentiation, and direct simulation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput, NumericalFailure
from theory.lazy_rich import Committee, Setting
from theory.lazy_rich.dmft import (
    MeanField,
    OrderParameters,
    Terms,
    causal_sweep,
    iterate,
    online,
    simulate,
)
from theory.lazy_rich.dmft.noise import factor, whitened_normals
from theory.lazy_rich.dmft.order_parameters import population_loss

TWO = MeanField(3.0, np.eye(2), np.array([0.5, -0.4]), steps=8)
SKEW = MeanField(
    3.0,
    np.array([[1.2, 0.3], [0.3, 0.7]]),
    np.array([0.5, -0.4]),
    signal=1.3,
    output_scale=1.7,
    curvature=0.6,
    step=0.15,
    steps=8,
)
PROBLEMS = (TWO, replace(TWO, centred=True), SKEW, replace(SKEW, centred=True))


def assert_close(one: OrderParameters, other: OrderParameters, rtol: float) -> None:
    for name in one.__dataclass_fields__:
        expected = getattr(other, name)
        scale = float(expected.abs().max())
        torch.testing.assert_close(
            getattr(one, name), expected, rtol=0.0, atol=rtol * scale, msg=lambda m, n=name: n + m
        )


def test_noise_is_white_and_odd_to_rounding() -> None:
    noise = whitened_normals(2, 9, 64, seed=3)
    second = noise @ noise.mT / 64
    torch.testing.assert_close(second, torch.eye(9).double().expand(2, 9, 9))
    assert float((noise**3).mean(-1).abs().max()) < 1e-12
    assert float((noise[0] - noise[1]).abs().max()) > 0.1


@pytest.mark.parametrize(("runs", "samples"), [(0, 64), (1, 63), (1, 16)])
def test_noise_of_no_use_is_refused(runs: int, samples: int) -> None:
    with pytest.raises(InvalidInput, match=r"samples|runs"):
        whitened_normals(runs, 9, samples, seed=0)


def test_factor_of_singular_covariances() -> None:
    singular = torch.ones(3, 3, dtype=torch.float64)
    lower = factor(singular)
    torch.testing.assert_close(lower @ lower.T, singular, atol=1e-12, rtol=0.0)
    assert not factor(0.0 * singular).any()
    with pytest.raises(NumericalFailure, match="negative"):
        factor(torch.diag(torch.tensor([1.0, -1.0])))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_without_finite_sample_effects_the_sweep_is_online_learning(problem: MeanField) -> None:
    exact = online(problem)
    swept = causal_sweep(replace(problem, sample_ratio=1e300), 64)
    # the covariance of the pushes is of degree 6 in the samples, and the only one not exact
    order = replace(swept.order, noise=exact.order.noise)
    assert_close(order, exact.order, 1e-12)
    torch.testing.assert_close(swept.test, exact.test, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(swept.train, exact.test, rtol=1e-12, atol=1e-12)
    ablated = replace(problem, terms=Terms(memory=0.0, noise=0.0))
    torch.testing.assert_close(causal_sweep(ablated, 64).test, exact.test)


@pytest.mark.parametrize("centred", [False, True])
def test_online_learning_is_descent_on_the_population(centred: bool) -> None:
    # automatic differentiation of the exact loss of a machine in six dimensions
    setting = Setting(
        6, 2, 10, 1.4, 0.7, step=0.1, steps=12, centred=centred, overlaps=(0.5, -0.3), seed=4
    )
    problem = MeanField.of(setting)
    target = setting.target()
    start = torch.as_tensor(setting.weights())
    weights, losses = start.clone(), []
    beta = torch.as_tensor(setting.direction())
    quadratic = torch.as_tensor(target.quadratic)

    def loss(w: torch.Tensor) -> torch.Tensor:
        form = Committee(w, setting.output_scale, setting.curvature).form()
        linear, curved = form.linear, form.quadratic - quadratic
        if centred:
            first = Committee(start, setting.output_scale, setting.curvature).form()
            linear, curved = linear - first.linear, curved - first.quadratic
        trace, size = curved.trace(), (curved**2).sum()
        return trace**2 / 144 + size / 72 + (linear**2).sum() / 6

    overlaps = []
    for _ in range(setting.steps + 1):
        losses.append(float(loss(weights)))
        overlaps.append(weights @ beta / 6)
        gradient = torch.func.grad(loss)(weights)
        rate = setting.step * 6 * setting.width / (2 * setting.output_scale**2)
        weights = weights - rate * gradient
    found = online(problem)
    np.testing.assert_allclose(found.test.numpy(), losses, rtol=1e-10)
    torch.testing.assert_close(found.order.overlap[0], torch.stack(overlaps), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("damping", [0.6, 1.0])
def test_two_solvers_agree_on_the_same_noise(problem: MeanField, damping: float) -> None:
    swept = causal_sweep(problem, 64, seed=5)
    iterated = iterate(problem, 64, seed=5, damping=damping, rtol=1e-8)
    assert_close(iterated.order, swept.order, 1e-5)
    torch.testing.assert_close(iterated.train, swept.train, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(iterated.test, swept.test, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "terms", [Terms(memory=0.0), Terms(noise=0.0), Terms(pull=0.0), Terms(0.5, 1.5, 0.7)], ids=repr
)
def test_every_term_matters_and_in_both_solvers_alike(terms: Terms) -> None:
    ablated = replace(TWO, terms=terms)
    swept = causal_sweep(ablated, 64)
    assert float((swept.train / causal_sweep(TWO, 64).train - 1.0).abs().max()) > 0.05
    torch.testing.assert_close(iterate(ablated, 64).test, swept.test, rtol=1e-4, atol=1e-6)


def test_responses_are_derivatives() -> None:
    # one sample by hand: its fields to a push on its own u, by automatic differentiation
    problem = replace(TWO, steps=4, sample_ratio=2.0)
    order = causal_sweep(problem, 64).order
    response = order.weight_response[0]
    generator = torch.Generator().manual_seed(1)
    u = torch.randn(4, 2, generator=generator, dtype=torch.float64)
    star = torch.tensor(1.3, dtype=torch.float64)

    def pushes(fields: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        found: list[torch.Tensor] = []
        for t in range(4):
            echo = sum((response[t, :, s] @ found[s] for s in range(t)), torch.zeros(2).double())
            h = fields[t] + problem.memory_gain * echo
            residual = problem.residual(h[:, None], fields[0][:, None], target[None])
            found.append(residual * problem.slope(h) / problem.output_scale)
        return torch.stack(found)

    from theory.lazy_rich.dmft.causal import _Sensitivity

    single = _Sensitivity(problem, star[None, None])
    exact = torch.func.jacrev(pushes)(u, star)
    direct = torch.func.jacrev(pushes, argnums=1)(u, star)
    pushed = pushes(u, star)
    for t in range(4):
        past = response[t, :, :t]
        h = u[t] + problem.memory_gain * torch.einsum("isj,sj->i", past, pushed[:t])
        residual = problem.residual(h[:, None], u[0][:, None], star[None])
        rows, pull = single.advance(t, past[None], residual[None], problem.slope(h)[None, :, None])
        torch.testing.assert_close(rows[0], exact[t, :, : t + 1])
        torch.testing.assert_close(pull[0], direct[t])


def test_curves_follow_simulation_at_finite_dimension() -> None:
    setting = Setting(
        120, 2, 360, step=0.2, steps=15, centred=False, overlaps=(0.5, -0.4), curvature=0.5, seed=2
    )
    found, theory = simulate(setting, 60), causal_sweep(MeanField.of(setting), 512, 6)
    for loss in ("train", "test"):
        losses = getattr(found, f"{loss}_losses")
        error = (losses.var(0) / 60 + getattr(theory, f"{loss}_error") ** 2).sqrt()
        mean = losses.mean(0)
        # 4 % for the finite dimension
        assert bool(((getattr(theory, loss) - mean).abs() < 4.0 * error + 0.04 * mean).all())
    covariance, expected = found.covariance.mean(0), theory.order.covariance.mean(0)
    assert float((covariance - expected).abs().max()) < 0.05 * float(expected.max())


def test_test_loss_of_a_simulation_is_that_of_its_quadratic_form() -> None:
    setting = Setting(9, 2, 20, 1.2, 0.4, steps=1, overlaps=(0.3, 0.2), centred=False, seed=1)
    found = simulate(setting, 1)
    own = replace(setting, seed=1000)
    form = own.committee().form() - own.target()
    assert float(found.test_losses[0, 0]) == pytest.approx(float(form.mean_square().total))


@given(st.floats(0.2, 2.0), st.floats(0.0, 1.5), st.booleans(), st.sampled_from([0.0, 0.3, -0.6]))
def test_population_loss_is_the_mean_over_fields(
    scale: float, eps: float, centred: bool, overlap: float
) -> None:
    problem = MeanField(
        2.0, np.eye(1), np.array([overlap]), output_scale=scale, curvature=eps, centred=centred
    )
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.4, 0.8, 0.0], [overlap, 0.2, 0.5]]).double()
    joint = mixing @ mixing.T
    problem = replace(problem, signal=float(joint[2, 2]), overlaps=joint[:1, 2].numpy())
    # Gauss-Hermite with 3 nodes: exact, the square is of degree 4 in each of the three variables
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    grid = torch.tensor(np.stack(np.meshgrid(nodes, nodes, nodes), 0).reshape(3, -1))
    chances = torch.tensor(np.einsum("i,j,k->jik", *3 * [weights / weights.sum()]).reshape(-1))
    first, now, star = mixing @ grid
    residual = problem.residual(now[None], first[None], star)
    expected = float((chances * residual**2).sum())
    covariance = joint[:2, :2].reshape(2, 1, 2, 1)
    found = population_loss(problem, covariance, joint[:2, 2:])
    assert float(found[1]) == pytest.approx(expected, rel=1e-10)


def test_bad_input_is_refused_by_name() -> None:
    for change, name in (
        ({"sample_ratio": 0.0}, "sample_ratio"),
        ({"curvature": -1.0}, "curvature"),
        ({"steps": 0}, "steps"),
        ({"covariance": np.eye(3)}, "covariance"),
        ({"overlaps": np.array([0.9, 0.9])}, "eigenvalue"),
    ):
        with pytest.raises(InvalidInput, match=name):
            replace(TWO, **change)
    with pytest.raises(InvalidInput, match="trained_readout"):
        MeanField.of(Setting(4, 2, 3, trained_readout=True))
    with pytest.raises(InvalidInput, match="overlaps is None"):
        simulate(Setting(4, 2, 3), 2)
    with pytest.raises(InvalidInput, match="runs"):
        simulate(Setting(4, 1, 3, overlaps=(0.1,)), 0)
    with pytest.raises(InvalidInput, match="damping"):
        iterate(TWO, 64, damping=0.0)


def test_failures_of_the_numerics_are_told() -> None:
    with pytest.raises(NumericalFailure, match="overflow"):
        causal_sweep(replace(TWO, step=40.0, steps=12), 64)
    with pytest.raises(NumericalFailure, match="after 2 iterations"):
        iterate(TWO, 64, max_iterations=2)


@pytest.mark.gpu
def test_the_sweep_is_the_same_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    here, there = causal_sweep(TWO, 64), causal_sweep(TWO, 64, device="cuda")
    assert there.test.device.type == "cuda"
    torch.testing.assert_close(there.test.cpu(), here.test, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(there.train.cpu(), here.train, rtol=1e-6, atol=1e-8)
