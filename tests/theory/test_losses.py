"""Losses against multiple-precision derivatives, at exponents no float64 exponential survives."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.losses import EXPONENT_CEILING, LOSSES, CrossEntropy, loss_named, softplus

mpmath.mp.dps = 50

MP_LOSSES: dict[str, Callable[[mpmath.mpf, float], mpmath.mpf]] = {
    "exponential": lambda f, y: mpmath.exp(-y * f),
    "logistic": lambda f, y: mpmath.log1p(mpmath.exp(-y * f)),
    "squared": lambda f, y: (f - y) ** 2 / 2,
}
CLOSED = {
    "exponential": (lambda f, y: y * mpmath.exp(-y * f), lambda f, y: mpmath.exp(-y * f)),
    "logistic": (
        lambda f, y: y / (1 + mpmath.exp(y * f)),
        lambda f, y: 1 / (2 + mpmath.exp(f) + mpmath.exp(-f)),
    ),
    "squared": (lambda f, y: y - f, lambda _f, _y: mpmath.mpf(1)),
}
labels = st.sampled_from([-1.0, 1.0])
by_name = st.sampled_from(sorted(LOSSES))


def within_rounding(computed: float, exact: mpmath.mpf, exponent: float) -> None:
    """An exponent of size e carries an absolute error of rounding times e into its exponential."""
    allowed = 4e-16 * (4 + abs(exponent)) * abs(exact)
    assert abs(mpmath.mpf(float(computed)) - exact) <= allowed


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("output", [-3.0, -0.1, 0.0, 0.7, 5.0])
@pytest.mark.parametrize("label", [-1.0, 1.0])
def test_closed_forms_are_derivatives_of_the_loss(name: str, output: float, label: float) -> None:
    at = mpmath.mpf(output)
    first = -mpmath.diff(lambda f: MP_LOSSES[name](f, label), at)
    second = mpmath.diff(lambda f: MP_LOSSES[name](f, label), at, 2)
    loss, f, y = LOSSES[name], np.array(output), np.array(label)
    # mpmath differentiates numerically at 50 digits, far below float64
    assert float(loss.force(0.0, f, y)) == pytest.approx(float(first), rel=1e-14, abs=1e-20)
    assert float(loss.curvature(0.0, f, y)) == pytest.approx(float(second), rel=1e-14)
    assert float(loss.log_value(f, y)) == pytest.approx(
        float(mpmath.log(MP_LOSSES[name](at, label))), rel=1e-14, abs=1e-15
    )


@pytest.mark.parametrize("name", ["exponential", "logistic"])
@pytest.mark.parametrize("margin", [-30.0, -0.1, 0.0, 0.7, 30.0])
def test_share_of_a_sample_is_the_slope_of_its_loss(name: str, margin: float) -> None:
    slope = -mpmath.diff(lambda q: MP_LOSSES[name](q, 1.0), mpmath.mpf(margin))
    share = float(LOSSES[name].log_share(np.array(margin)))
    assert share == pytest.approx(float(mpmath.log(slope)), rel=1e-14, abs=1e-20)


@given(by_name, st.floats(-600, 600), labels, st.floats(-700, 700))
@example("exponential", 1e5, 1.0, 1e5)
@example("logistic", 1e5, 1.0, 1e5 + 3.0)
@example("logistic", -1e5, -1.0, 1e5 - 300.0)
@example("logistic", 0.0, 1.0, 0.0)
def test_force_and_curvature_scale_in_log_space(
    name: str, output: float, label: float, log_scale: float
) -> None:
    force, curvature = CLOSED[name]
    loss, f, y = LOSSES[name], np.array(output), np.array(label)
    scale = mpmath.exp(mpmath.mpf(log_scale))
    exact_force = scale * force(mpmath.mpf(output), label)
    exact_curvature = scale * curvature(mpmath.mpf(output), label)
    noise = abs(log_scale) + abs(output)
    residual = label - output if name == "squared" else 1.0
    for computed, exact, factor in (
        (loss.force(log_scale, f, y), exact_force, residual),
        (loss.curvature(log_scale, f, y), exact_curvature, 1.0),
    ):
        if abs(exact) > abs(factor) * mpmath.exp(EXPONENT_CEILING - 2):
            continue  # clipped on purpose, see below
        if abs(exact) < mpmath.mpf("1e-300"):
            assert abs(float(computed)) < 1e-299
        else:
            within_rounding(float(computed), exact, noise)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_huge_trial_forces_are_clipped_not_infinite(name: str) -> None:
    loss, y = LOSSES[name], np.array(1.0)
    force = loss.force(1e6, np.array(-2.0), y)
    assert np.exp(EXPONENT_CEILING) / 2 <= abs(force) <= 4 * np.exp(EXPONENT_CEILING)
    assert np.isfinite(loss.curvature(1e6, np.array(-2.0), y))


@given(st.floats(-1e5, 1e5))
@example(39.999)
@example(40.001)
@example(-1e5)
def test_logistic_log_value_is_accurate_on_both_sides_of_its_branch(margin: float) -> None:
    exact = mpmath.log(mpmath.log1p(mpmath.exp(-mpmath.mpf(margin))))
    computed = float(LOSSES["logistic"].log_value(np.array(margin), np.array(1.0)))
    # beyond the branch log l = -q up to e^-40 / 2 = 2e-18
    assert computed == pytest.approx(float(exact), rel=1e-14, abs=1e-15)


@given(st.floats(-1e6, 1e6))
def test_softplus_neither_overflows_nor_underflows(x: float) -> None:
    exact = mpmath.log1p(mpmath.exp(mpmath.mpf(x)))
    assert float(softplus(np.array(x))) == pytest.approx(float(exact), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_torch_gives_the_same_numbers(name: str) -> None:
    loss = LOSSES[name]
    outputs = np.array([-50.0, -2.0, 0.0, 0.5, 80.0])
    signs = np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    f, y = torch.from_numpy(outputs), torch.from_numpy(signs)
    for method in (loss.force, loss.curvature):
        expected = method(np.full(5, 3.0), outputs, signs)
        computed = method(torch.full((5,), 3.0, dtype=torch.float64), f, y)
        np.testing.assert_allclose(computed.numpy(), expected, rtol=1e-14)  # one rounding of exp
    np.testing.assert_allclose(
        loss.log_value(f, y).numpy(), loss.log_value(outputs, signs), rtol=1e-14
    )


def test_only_the_squared_loss_takes_real_targets() -> None:
    assert {name: loss.classifies for name, loss in LOSSES.items()} == {
        "exponential": True,
        "logistic": True,
        "squared": False,
    }


def test_unknown_loss_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InvalidInput, match="loss is 'hinge'; allowed are exponential, logistic"):
        loss_named("hinge")


def exact_shares(margins: list[float]) -> tuple[mpmath.mpf, list[mpmath.mpf]]:
    """The cross-entropy of one sample's margins, and its slopes pi_j = -dl/dq_j."""
    falls = [mpmath.exp(-mpmath.mpf(q)) for q in margins]
    total = 1 + mpmath.fsum(falls)
    return mpmath.log1p(mpmath.fsum(falls)), [fall / total for fall in falls]


@given(st.lists(st.floats(-300, 300), min_size=1, max_size=4), st.floats(-300, 50))
@example([1e5, 1e5 + 2.0], 1e5)
@example([0.0], 0.0)
@example([-50.0, 60.0, 0.1], 3.0)
def test_cross_entropy_forces_and_curvatures_in_log_space(
    margins: list[float], log_scale: float
) -> None:
    loss, rows = CrossEntropy(len(margins)), np.array(margins)
    ones, identity = np.ones(len(margins)), np.eye(len(margins))
    value, shares = exact_shares(margins)
    scale, noise = mpmath.exp(mpmath.mpf(log_scale)), abs(log_scale) + max(map(abs, margins))
    force = loss.force(log_scale, rows, ones)
    curved = loss.curved(log_scale, rows, ones, identity)
    diagonal = loss.curvature(log_scale, rows, ones)
    for j, share in enumerate(shares):
        exact = scale * share
        if exact > mpmath.exp(EXPONENT_CEILING - 2) or exact < mpmath.mpf("1e-290"):
            continue
        within_rounding(float(force[j]), exact, noise)
        falls = [mpmath.exp(-mpmath.mpf(q)) for q in margins]
        rest = (1 + mpmath.fsum(falls[:j] + falls[j + 1 :])) / (1 + mpmath.fsum(falls))
        if exact * rest > mpmath.mpf("1e-290"):
            within_rounding(float(diagonal[j]), exact * rest, 2.0 * noise)
        for k, other in enumerate(shares):
            entry = exact * ((1 if j == k else 0) - other)
            assert abs(mpmath.mpf(float(curved[j, k])) - entry) <= 4e-16 * (4 + noise) * exact
    log_value = mpmath.log(value)
    assert float(loss.log_value(rows, ones)[0]) == pytest.approx(
        float(log_value), rel=1e-13, abs=1e-15
    )


def test_cross_entropy_is_by_sample_and_of_two_classes_logistic() -> None:
    margins, ones = np.array([3.0, -1.0, 0.5, 700.0]), np.ones(4)
    both = loss_named("cross_entropy", 3).force(0.0, margins, ones)
    first = CrossEntropy(2).force(0.0, margins[:2], ones[:2])
    np.testing.assert_array_equal(both[:2], first)
    two, logistic = loss_named("cross_entropy", 2), LOSSES["logistic"]
    for method in ("force", "curvature"):
        expected = getattr(logistic, method)(1.0, margins, ones)
        np.testing.assert_allclose(getattr(two, method)(1.0, margins, ones), expected, rtol=1e-13)
    np.testing.assert_allclose(
        two.log_value(margins, ones), logistic.log_value(margins, ones), rtol=1e-13
    )
    tensor = torch.from_numpy(margins)
    np.testing.assert_allclose(CrossEntropy(2).log_share(tensor).numpy(), np.log(both), rtol=1e-13)
    rows = np.random.default_rng(0).standard_normal((4, 3))
    expected = CrossEntropy(2).curved(1.0, margins, ones, rows)
    found = CrossEntropy(2).curved(1.0, tensor, torch.from_numpy(ones), torch.from_numpy(rows))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13, atol=1e-300)


def test_losses_of_several_classes_are_named() -> None:
    assert loss_named("exponential", 4) == LOSSES["exponential"]
    with pytest.raises(InvalidInput, match="allowed are cross_entropy, exponential"):
        loss_named("squared", 3)
    with pytest.raises(InvalidInput, match="loss is 'cross_entropy'; allowed are exponential"):
        loss_named("cross_entropy")
