"""The compiled flow of diagonal nets against SciPy in full coordinates, and its pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory import Diagonal, Problem, Regime, gradient_flow, gradient_flow_batch
from theory.flow.dual import dual_flows, reducible
from theory.flow.dual_rates import BY_TIME, RATE, Kind, Lanes, differentiate, rates
from theory.flow.dual_steps import room
from theory.flow.dual_weights import (
    COMBINATION,
    MEAN,
    RATIO,
    SLOPE,
    WEIGHT,
    comoving_slopes,
    comoving_weights,
    coordinates,
    rich_slopes,
    rich_weights,
)
from theory.flow.exponential import exp, expm1
from theory.flow.rosenbrock import GAMMA, NODES, SLOPES, STAGES, STATES, TIME_WEIGHTS

AT = (0.0, 0.01, 0.7, 1.0, 1.3)


def problem(degree: int, loss: str = "exponential", seed: int = 0) -> Problem:
    """Anchors of either sign, so that odd degrees exchange u and v."""
    generator = np.random.default_rng(seed)
    inputs = generator.standard_normal((6, 10))
    labels = np.sign(inputs @ generator.standard_normal(10))
    half = generator.uniform(0.3, 1.0, 10) * generator.choice([-1.0, 1.0], 10)
    return Problem(Diagonal(10, degree), np.concatenate([half, half]), inputs, labels, loss)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize(("degree", "log10_alpha"), [(2, 1.5), (2, 12.0), (3, 2.0), (4, 3.0)])
def test_agrees_with_scipy_in_full_coordinates(degree: int, log10_alpha: float, loss: str) -> None:
    own, regime = problem(degree, loss), Regime(log10_alpha=log10_alpha, decay_power=2.0)
    assert reducible(own)
    compiled = gradient_flow_batch([own], [regime], AT, rtol=1e-11)
    assert compiled.finished.all()
    accurate = {"method": "Radau", "rtol": 1e-12, "estimate_error": False}
    charts = gradient_flow(own, regime, AT, **accurate)
    largest = np.abs(charts.margins).max(axis=1, keepdims=True) + 1e-300
    assert np.abs((compiled.margins[0] - charts.margins) / largest).max() < 2e-10
    assert np.abs(compiled.directions[0] - charts.directions).max() < 2e-10
    assert np.abs(compiled.log_norm[0] - charts.log_norm).max() < 2e-10
    scale = np.abs(charts.displacement).max(axis=1, keepdims=True) + 1e-300
    early = charts.at < 1.0
    assert np.abs((compiled.displacement[0] - charts.displacement) / scale)[early].max() < 2e-10


def test_what_has_no_dual_form_goes_another_way() -> None:
    regime, base = Regime(log10_alpha=2.0, decay_power=2.0), problem(2)
    half = base.anchor[:10]
    unbalanced = Problem(base.net, np.concatenate([half, -half]), base.inputs, base.labels)
    assert reducible(base)
    assert not reducible(unbalanced)
    batch = gradient_flow_batch([unbalanced], [regime], [0.7], rtol=1e-9)
    alone = gradient_flow(unbalanced, regime, [0.7], estimate_error=False)
    np.testing.assert_allclose(batch.margins[0], alone.margins, rtol=1e-7)


def test_where_its_steps_run_out_others_go_on() -> None:
    regime, own = Regime(log10_alpha=30.0, decay_power=1.0), problem(2)
    flows = dual_flows([own], [regime], np.array(AT), np.full((1, 2), 1e-9), 300)
    assert not flows.finished.any()
    batch = gradient_flow_batch([own], [regime], AT, rtol=1e-9, max_steps=300)
    alone = gradient_flow(own, regime, AT, estimate_error=False)
    np.testing.assert_allclose(batch.margins[0], alone.margins, rtol=1e-7, atol=1e-9)


def test_a_batch_gives_the_numbers_of_flows_one_by_one() -> None:
    """By another integrator in other coordinates: a flow is off by an rtol, a batch by up to 17."""
    problems = [problem(3, seed=seed) for seed in range(3)]
    regimes = [Regime(log10_alpha=a, decay_power=1.0) for a in (1.0, 4.0, 9.0)]
    batch = gradient_flow_batch(problems, regimes, AT, rtol=1e-11)
    for lane, (own, regime) in enumerate(zip(problems, regimes, strict=True)):
        alone = gradient_flow(own, regime, AT, estimate_error=False)
        np.testing.assert_allclose(batch.margins[lane], alone.margins, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(batch.directions[lane], alone.directions, rtol=0, atol=1e-11)
        np.testing.assert_allclose(batch.log_norm[lane], alone.log_norm, rtol=0, atol=2e-10)


def test_a_batch_of_many_groups_gives_the_same_numbers_whatever_its_threads() -> None:
    problems = [problem(2, seed=seed) for seed in range(41)]
    regimes = [Regime(log10_alpha=1.0 + seed % 7, decay_power=1.0) for seed in range(41)]
    tolerances = np.full((41, 2), 1e-10)
    alone = dual_flows(problems, regimes, np.array(AT), tolerances)
    together = dual_flows(problems, regimes, np.array(AT), tolerances, threads=16)
    assert alone.finished.all()
    for name in ("weights", "means", "ratios", "log_rho", "comoving"):
        one, other = getattr(alone.states, name), getattr(together.states, name)
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(alone.steps, together.steps)


def test_lanes_of_other_lengths_do_not_disturb_each_other() -> None:
    """Lanes of different scales turn at different clocks, and have more pieces or fewer."""
    problems = [problem(4, seed=seed) for seed in range(3)]
    regimes = [Regime(log10_alpha=a, decay_power=1.0) for a in (0.6, 3.0, 30.0)]
    tolerances = np.full((3, 2), 1e-10)
    together = dual_flows(problems, regimes, np.array(AT), tolerances).states
    for lane in range(3):
        alone = dual_flows(problems[lane:][:1], regimes[lane:][:1], np.array(AT), tolerances[:1])
        np.testing.assert_array_equal(together.theta[lane], alone.states.theta[0])


def test_a_lane_out_of_budget_leaves_the_others_alone() -> None:
    regimes = [Regime(log10_alpha=a, decay_power=1.0) for a in (1.0, 30.0)]
    flows = dual_flows([problem(2)] * 2, regimes, np.array(AT), np.full((2, 2), 1e-9), 300)
    assert flows.finished.tolist() == [True, False]
    assert flows.steps[0] < flows.steps[1] == 300
    alone = dual_flows([problem(2)], regimes[:1], np.array(AT), np.full((1, 2), 1e-9))
    np.testing.assert_array_equal(flows.states.theta[0], alone.states.theta[0])


@given(st.floats(-600, 600))
def test_exponentials_to_the_last_digits(x: float) -> None:
    assert exp(x) == pytest.approx(np.exp(x), rel=5e-16)
    assert expm1(x) == pytest.approx(np.expm1(x), rel=5e-16)


@given(st.floats(-1e-3, 1e-3))
def test_exponentials_near_zero_do_not_cancel(x: float) -> None:
    assert expm1(x) == pytest.approx(np.expm1(x), rel=5e-16, abs=0)


def comoving_weight(
    degree: int, base: float, lever: float, p: float
) -> tuple[float, float, float, float]:
    """w, dw/dp, and log sqrt(uv) and log sqrt(u/v) of one coordinate."""
    at, own = coordinates(1), np.array([[0.0], [base], [lever], [0.0], [0.0]])
    at[COMBINATION] = p
    comoving_weights(degree, own, np.ones(1), at)
    comoving_slopes(degree, own, at)
    return at[WEIGHT, 0], at[SLOPE, 0], at[MEAN, 0], at[RATIO, 0]


def rich_weight(
    degree: int, mean: float, ratio: float, passed: float, p: float
) -> tuple[float, float, float, float]:
    """The same in the rich chart, from a mean and a ratio a decay time earlier."""
    at, own = coordinates(1), np.array([[0.0], [0.0], [0.0], [mean], [ratio]])
    at[COMBINATION] = p
    rich_weights(degree, own, np.array([passed]), at)
    rich_slopes(degree, np.array([passed]), at)
    return at[WEIGHT, 0], at[SLOPE, 0], at[MEAN, 0], at[RATIO, 0]


@settings(max_examples=40)
@given(
    st.integers(2, 5),
    st.floats(0.2, 2.0),
    st.floats(-0.9, 0.9),
    st.sampled_from([1e-30, 1e-8, 0.3]),
)
def test_weights_are_those_of_the_parameters(
    degree: int, half: float, turned: float, epsilon: float
) -> None:
    excess = max(degree - 2, 1)
    p = turned / (excess * degree * epsilon * half ** (degree - 2))
    base, lever = 2 * degree**2 * half ** (2 * degree - 2), degree * half ** (degree - 2) * epsilon
    weight, slope, mean, ratio = comoving_weight(degree, base, lever, p)
    # w = rho^L half^L (e^(L(m + r)) - e^(L(m - r))) and the derivative by differences
    grown = np.expm1(degree * (mean + ratio)) - np.expm1(degree * (mean - ratio))
    assert weight == pytest.approx(half**degree * grown / epsilon, rel=1e-11)
    step = 1e-5 * abs(p) + 1e-9 / epsilon * 1e-3
    above, below = (comoving_weight(degree, base, lever, p + s)[0] for s in (step, -step))
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-4)


@settings(max_examples=40)
@given(
    st.integers(2, 5), st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(-0.02, 0.02)
)
def test_rich_weights_follow_their_equation(
    degree: int, mean: float, ratio: float, passed: float, p: float
) -> None:
    """u' = -u + L u^(L-1) g with constant pull: p advances by g e^(-(L-2) s) ds."""
    if passed < 1e-3:
        return
    excess = degree - 2
    span = -np.expm1(-excess * passed) / excess if excess else passed
    pull = p / span

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        signs = np.array([1.0, -1.0])
        return -y + degree * y ** (degree - 1) * pull * signs

    start = [np.exp(mean + ratio), np.exp(mean - ratio)]
    if max(start) ** excess * degree * excess * abs(p) > 0.5:
        return
    found = solve_ivp(rates, (0, passed), start, rtol=1e-11, atol=1e-13).y[:, -1]
    weight, _, new_mean, new_ratio = rich_weight(degree, mean, ratio, passed, p)
    assert np.exp(new_mean + new_ratio) == pytest.approx(found[0], rel=1e-8)
    assert np.exp(new_mean - new_ratio) == pytest.approx(found[1], rel=1e-8)
    assert weight == pytest.approx(found[0] ** degree - found[1] ** degree, rel=1e-7, abs=1e-8)


def test_tableau_meets_its_order_conditions() -> None:
    """The linear conditions, and order 5 on a stiff equation with a known solution."""
    # the transformed weights: U = Gamma K, A = STATES Gamma, row sums are the nodes
    inverse = np.eye(STAGES) / GAMMA - SLOPES
    coefficients = np.linalg.inv(inverse)
    np.testing.assert_allclose((STATES @ coefficients).sum(1), NODES, atol=1e-12)
    np.testing.assert_allclose(coefficients.sum(1), TIME_WEIGHTS, atol=1e-11)
    weights = np.append(STATES[-1, :-1], 1.0) @ coefficients
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights @ NODES**2 == pytest.approx(1 / 3, abs=1e-12)
    assert weights @ NODES**3 == pytest.approx(1 / 4, abs=1e-12)
    assert weights @ NODES**4 == pytest.approx(1 / 5, abs=1e-12)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("comoving", [True, False])
@pytest.mark.parametrize("time", [-0.7, 1.4])
@pytest.mark.parametrize("width", [1, 5])
def test_derivatives_of_the_rates(
    loss: str, degree: int, comoving: bool, time: float, width: int
) -> None:
    generator = np.random.default_rng(degree)
    dimension, samples = 5, 3
    half = generator.uniform(0.5, 1.0, dimension * width)
    mean, ratio = generator.uniform(-0.3, 0.3, (2, half.size))
    base, lever = 2.0 * degree**2 * half ** (2 * degree - 2), degree * half ** (degree - 2)
    own = np.array([np.log(half), base, lever, mean, ratio])
    inputs = generator.standard_normal((samples, dimension, width))
    scales = np.array([np.linspace(4.0, 5.0, width), np.full(width, -0.5), np.full(width, 0.2)])
    kind = Kind(degree, loss == "logistic", comoving)
    lanes = Lanes(inputs, np.ascontiguousarray(inputs.swapaxes(0, 1)), own, scales)
    state = generator.uniform(-0.05, 0.05, samples * width)
    clock = np.full(width, time)

    def values(clock: np.ndarray, state: np.ndarray) -> np.ndarray:
        own = room(lanes)
        rates(kind, *lanes, clock, state, own.now, own.at, own.out)
        return own.out[RATE].copy()

    own_room = room(lanes)
    now, at, out = own_room.now, own_room.at, own_room.out
    rates(kind, *lanes, clock, state, now, at, out)
    differentiate(kind, lanes.rows, own, clock, now, at, out, own_room.by_state)
    step = 1e-6
    by_time = (values(clock + step, state) - values(clock - step, state)) / (2 * step)
    np.testing.assert_allclose(out[BY_TIME], by_time, rtol=1e-6, atol=1e-6)
    for j in range(samples):
        moved = np.zeros((samples, width))
        moved[j] = step
        above, below = values(clock, state + moved.ravel()), values(clock, state - moved.ravel())
        by_state = ((above - below) / (2 * step)).reshape(samples, width)
        np.testing.assert_allclose(own_room.by_state[j], by_state, rtol=1e-6, atol=1e-6)
