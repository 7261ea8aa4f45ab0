"""Multipliers: one programme, solved by features or by kernels, in parts or whole; and by `theory`
as it was before.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from modules import dense_jacobian, observe, task, two_layers
from scipy.optimize import nnls
from torch import nn

import theory.observed.cone
import theory.observed.residuals
from theory import Problem, TwoLayer, TwoLayerReLU, kernel_svm, kkt_residual
from theory.errors import InvalidInput, OracleFailed
from theory.margin import l2_max_margin
from theory.margin.clarke import clarke_residual
from theory.observed import Observed, nonnegative_quadratic, optimality, start_machine
from theory.observed.cone import FEW_NUMBERS
from theory.observed.kinks import TOLERANCE, clarke_stationarity, share_on_kinks

MOST = 1000


@given(seed=st.integers(0, 10_000), samples=st.integers(1, 12), more=st.integers(0, 6))
def test_block_pivoting_solves_what_nnls_solves(seed: int, samples: int, more: int) -> None:
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((samples, samples + more))
    target = generator.standard_normal(samples + more)
    found = nonnegative_quadratic(features @ features.T, features @ target)
    expected = nnls(features.T, target)[1]
    assert np.linalg.norm(features.T @ found - target) == pytest.approx(expected, rel=1e-7)


def test_pivoting_alone_solves_definite_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(theory.observed.cone, "eigh")
    for seed in range(20):
        generator = np.random.default_rng(seed)
        features, target = generator.standard_normal((30, 40)), generator.standard_normal(40)
        found = nonnegative_quadratic(features @ features.T, features @ target)
        expected = nnls(features.T, target)[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * expected.max())


def test_a_singular_kernel_is_lifted() -> None:
    features = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = nonnegative_quadratic(features @ features.T, features @ np.array([2.0, -1.0]))
    np.testing.assert_allclose(features.T @ found, [2.0, 0.0], atol=1e-9)


def singular(seed: int, whole: bool, lengths: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows `(n, P)`, more of them than their rank more often than not, and a target."""
    generator = np.random.default_rng(seed)
    samples, parameters = int(generator.integers(2, 40)), int(generator.integers(1, 20))
    features = generator.standard_normal((samples, parameters))
    if whole:
        features = np.round(1.3 * features)
        features = features[np.abs(features).sum(axis=1) > 0]
    features *= 10.0 ** generator.uniform(-lengths, lengths, (len(features), 1))
    return features, generator.standard_normal(parameters)


@pytest.mark.parametrize("lengths", [0.0, 4.0])
@pytest.mark.parametrize("whole", [False, True])
def test_singular_kernels_are_solved_as_well(whole: bool, lengths: float) -> None:
    for seed in range(1_000_150, 1_000_250):  # of the first kind pivoting fails at 1_000_234
        features, target = singular(seed, whole, lengths)
        if not len(features):
            continue
        found = nonnegative_quadratic(features @ features.T, features @ target)
        columns = features.T / np.linalg.norm(features, axis=1)
        size = np.linalg.norm(target)
        assert found.min() >= 0.0
        reached = np.linalg.norm(features.T @ found - target)
        # a kernel tells a vanishing distance up to the root of its rounding
        assert reached <= nnls(columns, target)[1] + 1e-7 * size


@pytest.mark.parametrize("units", [1e-6, 1.0, 1e6])
def test_a_programme_without_a_minimum_is_refused(units: float) -> None:
    rows = units * np.array([[1.0, 0.5], [-1.0, -0.5], [0.25, 1.0]])
    with pytest.raises(OracleFailed, match="conditions of optimality"):
        nonnegative_quadratic(rows @ rows.T, np.ones(3))
    with pytest.raises(OracleFailed, match="conditions of optimality"):
        nonnegative_quadratic(np.zeros((2, 2)), np.ones(2))


def test_a_kernel_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InvalidInput, match="kernel holds nan"):
        nonnegative_quadratic(np.array([[1.0, np.nan], [np.nan, 1.0]]), np.ones(2))
    with pytest.raises(InvalidInput, match="linear holds inf"):
        nonnegative_quadratic(np.eye(2), np.array([1.0, np.inf]))


@pytest.mark.parametrize("numbers", [FEW_NUMBERS, 0])
@pytest.mark.parametrize("samples", [200, 201, 220])
def test_more_samples_than_parameters(
    samples: int, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By gradients and by their kernel, whose rank is ten."""
    monkeypatch.setattr(theory.observed.cone, "FEW_NUMBERS", numbers)
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((220, 10))
    labels = np.sign(inputs @ generator.standard_normal(10))
    inputs, labels = inputs[:samples], labels[:samples]
    torch.manual_seed(0)
    observed = observe(nn.Linear(10, 1, bias=False), inputs, labels)
    theta = observed.theta.numpy()
    expected = nnls((labels[:, None] * inputs).T, theta)[1] / np.linalg.norm(theta)
    found = optimality(observed, observed.values(), 10_000)
    assert found.stationarity == pytest.approx(expected, rel=1e-9)
    machine = start_machine(observed, 10_000)
    assert machine.margin == pytest.approx(l2_max_margin(inputs, labels).margin, rel=1e-9)


def binary(width: int = 6, seed: int = 0, samples: int = 7) -> tuple[Observed, Problem]:
    """The same net as a module and as a problem, at one theta."""
    module = two_layers(width=width, seed=seed)
    inputs, labels = task(samples, seed=seed)
    observed = observe(module, inputs, labels)
    hidden, readout = (p.detach().numpy() for p in module.parameters())
    theta = np.concatenate([readout.ravel(), hidden.ravel()])
    return observed, Problem(TwoLayerReLU(width, 3), theta, inputs, labels)


@pytest.fixture(params=["features", "kernel", "in parts"])
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How multipliers are solved for; rows held at most."""
    if request.param != "features":
        monkeypatch.setattr(theory.observed.cone, "FEW", 0)
    return 20 if request.param == "in parts" else MOST


@pytest.mark.parametrize("seed", range(4))
def test_residuals_are_those_of_theory(seed: int, route: int) -> None:
    observed, problem = binary(20, seed, 30)
    expected = kkt_residual(problem, problem.anchor)
    found = optimality(observed, observed.values(), route)
    assert found.stationarity == pytest.approx(expected.stationarity, abs=1e-8)
    assert found.feasibility == pytest.approx(expected.feasibility, abs=1e-14)
    assert found.lower <= found.stationarity + 1e-14


def test_complementarity_is_weighted_by_the_loss() -> None:
    observed, problem = binary()
    margins = observed.values().reshape(-1).numpy()
    weights = 1.0 / (1.0 + np.exp(margins))
    expected = kkt_residual(problem, problem.anchor, margins=margins, weights=weights)
    found = optimality(observed, observed.values(), MOST)
    assert found.complementarity == pytest.approx(expected.complementarity, rel=1e-12)


def test_machine_is_the_kernel_svm_of_theory(route: int) -> None:
    observed, problem = binary(20, 0, 30)
    expected = kernel_svm(problem)
    found = start_machine(observed, route)
    assert found.margin == pytest.approx(expected.margin, rel=1e-7)
    hidden = found.weights[: 20 * 3].numpy()
    readout = found.weights[20 * 3 :].numpy()
    np.testing.assert_allclose(np.concatenate([readout, hidden]), expected.weights, atol=1e-5)


def test_machine_of_classes_is_that_of_theory(route: int) -> None:
    module = nn.Sequential(nn.Linear(3, 20, bias=False), Square(), nn.Linear(20, 3, bias=False))
    inputs, labels = task(classes=3)
    observed = observe(module, inputs, labels)
    hidden, readout = (p.detach().double().numpy() for p in module.parameters())
    theta = np.concatenate([readout.ravel(), hidden.ravel()])
    net = TwoLayer(20, 3, "square", 3)
    problem = Problem(net, theta, inputs, labels.astype(float), "cross_entropy", 3)
    np.testing.assert_allclose(
        observed.values().reshape(-1), problem.row_net.outputs(theta, inputs), atol=1e-12
    )
    found = start_machine(observed, 2 * route)
    assert found.margin == pytest.approx(kernel_svm(problem).margin, rel=1e-7)
    residual = optimality(observed, observed.values(), MOST)
    assert residual.stationarity == pytest.approx(
        kkt_residual(problem, theta).stationarity, abs=1e-9
    )


class Square(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x**2


def test_data_that_are_not_separable_have_no_machine(route: int) -> None:
    inputs = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    observed = observe(two_layers(), inputs, np.array([1.0, -1.0]))
    with pytest.raises(OracleFailed, match="not separable"):
        start_machine(observed, route)


@pytest.mark.parametrize(("few", "most"), [(0, MOST), (300, MOST), (0, 3)])
def test_targets_have_least_squares_multipliers(
    few: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theory.observed.residuals, "FEW", few)
    inputs, labels = task()
    observed = observe(two_layers(), inputs, labels, "squared")
    jacobian, theta = dense_jacobian(observed), observed.theta.numpy()
    best = np.linalg.lstsq(jacobian.T, theta, rcond=None)[0]
    expected = np.linalg.norm(theta - best @ jacobian) / np.linalg.norm(theta)
    found = optimality(observed, observed.values(), most)
    assert found.stationarity == pytest.approx(expected, abs=1e-7)
    machine = start_machine(observed, most)
    aim = labels - observed.outputs().numpy()[:, 0]
    least = np.linalg.lstsq(jacobian, aim, rcond=None)[0]
    np.testing.assert_allclose(machine.weights, least, atol=1e-6)


def test_clarke_residual_is_that_of_theory_and_no_larger() -> None:
    observed, problem = binary()
    expected = clarke_residual(problem, problem.anchor, TOLERANCE).stationarity
    assert clarke_stationarity(observed) == pytest.approx(expected, abs=1e-12)
    assert share_on_kinks(observe(nn.Linear(3, 1), *task())) is None


def test_units_on_kinks_are_seen() -> None:
    module = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
    module[0].weight.data = torch.tensor([[0.0, 1.0]])
    inputs = np.array([[1.0, 0.0], [1.0, 1.0]])
    observed = observe(module, inputs, np.array([1.0, 1.0]))
    assert share_on_kinks(observed) == 0.5
    stationarity = optimality(observed, observed.values(), MOST).stationarity
    assert clarke_stationarity(observed) <= stationarity + 1e-12
