"""The first kink: by hand for one sample, and against the lazy flow, which knows no formula."""

from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.anchors import difference_anchor
from theory.asymptotics.kinks import (
    bent,
    cosines,
    hidden_movement,
    kink_agreement,
    kink_decay_time,
    kink_displacement,
    kink_nonlinearity,
    kink_ratio,
)
from theory.errors import InvalidInput
from theory.kernel import kernel_svm, lazy_flow
from theory.nets import ConstantFeature, TwoLayer, TwoLayerReLU
from theory.problem import Problem, Regime


@given(st.floats(0.1, 3.0), st.floats(0.1, 3.0), st.floats(-3.0, 3.0))
def test_one_sample_by_hand(readout: float, along: float, across: float) -> None:
    """Units (a; v) and (-a; v), x = (1, 1): features (z, z; a x, -a x), h* over their square."""
    net = TwoLayerReLU(2, 2)
    v = np.array([along + across, along - across])
    anchor = np.array([readout, -readout, *v, *v])
    problem = Problem(net, anchor, [[1.0, 1.0]], [1.0])
    svm, z = kernel_svm(problem), 2.0 * along
    square = 2.0 * z**2 + 4.0 * readout**2
    assert kink_ratio(svm, problem) == pytest.approx(2.0 * readout / (z * square), rel=1e-9)
    size = np.linalg.norm(anchor)
    found = z * np.sqrt(square) / (2.0 * readout * size)
    assert kink_displacement(svm, problem) == pytest.approx(found, rel=1e-9)
    angle = z / (np.sqrt(2.0) * np.linalg.norm(v))
    np.testing.assert_allclose(cosines(problem, anchor), [[angle, angle]], rtol=1e-12)


def random_problem(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    net = TwoLayerReLU(6, 3, 0.25)
    anchor = difference_anchor(net, rng.normal(size=net.parameters // 2))
    inputs = rng.normal(size=(4, 3))
    gradients = net.jacobian(anchor, inputs)
    labels = np.where(gradients @ (gradients.T @ rng.normal(size=4)) > 0, 1.0, -1.0)
    return Problem(net, anchor, inputs, labels)


@pytest.mark.parametrize("left", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_the_lazy_flow_comes_to_the_kink_then(seed: int, left: float) -> None:
    """To 8 / Lam, as its direction is that of the machine to first order; Lam is 10^4."""
    problem, regime = random_problem(seed), Regime(log10_alpha=3000.0, decay_power=1.5)
    svm = kernel_svm(problem)
    at = kink_decay_time(svm, problem, regime, left=left)
    eta = lazy_flow(problem, regime, at=[at / regime.log_alpha]).displacement[0]
    hidden, moved = (problem.net.split(v)[1] for v in (problem.anchor, eta))  # type: ignore[attr-defined]
    inputs = problem.inputs
    grown = float((-(inputs @ moved.T) / (inputs @ hidden.T)).max())
    assert exp(2.0 * (at - regime.log_alpha)) * grown == pytest.approx(1.0 - left, rel=8e-4)
    told = kink_decay_time(svm, problem, regime, ratio=kink_ratio(svm, problem), left=left)
    assert told == at
    assert kink_decay_time(svm, problem, regime, share=0.0) == pytest.approx(
        regime.log_alpha, rel=1e-12
    )


@given(st.floats(0.2, 0.8), st.floats(1.0, 2.0), st.floats(0.0, 3.0), st.floats(0.1, 10.0))
def test_readout_zero_by_hand(near: float, far: float, across: float, size: float) -> None:
    """One unit (0; size, 0), x = (near, -across), x' = (far, across), of one label: h* = 1 / z for
    z = size near, nu = 1 / z^2 on x alone, which pulls the unit by h* nu x / 2, and x' with it.
    """
    anchor, inputs = np.array([0.0, size, 0.0]), [[near, -across], [far, across]]
    problem = Problem(TwoLayerReLU(1, 2), anchor, inputs, [1.0, 1.0])
    svm, z = kernel_svm(problem), size * near
    movement = hidden_movement(svm, problem)
    assert movement.order == 2
    np.testing.assert_allclose(movement.hidden, [[0.5 * near / z**3, -0.5 * across / z**3]])
    square = (across**2 - near * far) / (2.0 * z**3 * size * far)
    assert kink_ratio(svm, problem) == pytest.approx(max(square, 0.0) ** 0.5, rel=1e-9)
    if square > 0.0:
        found = 1.0 / (z * np.sqrt(square) * size)
        assert kink_displacement(svm, problem) == pytest.approx(found, rel=1e-9)
        assert kink_agreement(svm, problem) == 1.0
    else:
        assert kink_displacement(svm, problem) == kink_nonlinearity(svm, problem) == inf
        assert kink_agreement(svm, problem) == 0.0


@pytest.mark.parametrize(("readout", "order"), [(1.0, 1), (0.0, 2)])
def test_nonlinearity_falls_with_what_is_left_to_the_kink(readout: float, order: int) -> None:
    """Like the displacement, of which units move by a power."""
    found = []
    for left in (2.0**-12, 2.0**-16):
        hidden = np.array([[1.0, 0.0], [-0.5, 1.0]])
        anchor = np.concatenate([readout * np.array([1.0, 1.0, -1.0, -1.0]), *hidden, *hidden])
        inputs = np.array([[0.5, 1.0], [left, -1.0]])
        problem = Problem(TwoLayerReLU(4, 2, 0.25), anchor, inputs, [1.0, 1.0])
        svm = kernel_svm(problem)
        assert hidden_movement(svm, problem).order == order
        found.append((kink_displacement(svm, problem) ** order, kink_nonlinearity(svm, problem)))
    (large, turned), (small, less) = found
    assert turned > 0.0
    assert less / turned == pytest.approx(small / large, rel=0.05)


def test_another_smoothing() -> None:
    problem = random_problem(2)
    assert bent(problem, 0.125).net == TwoLayerReLU(6, 3, 0.25, 0.125)
    biased = Problem(ConstantFeature(TwoLayerReLU(1, 2)), np.ones(3), [[1.0]], [1.0])
    assert bent(biased, 0.5).net == ConstantFeature(TwoLayerReLU(1, 2, 0.0, 0.5))
    other = Problem(TwoLayer(1, 2, "relu"), np.ones(3), [[1.0, 1.0]], [1.0])
    with pytest.raises(InvalidInput, match="it must be two layers of rectifiers"):
        bent(other, 0.5)


def test_a_kink_that_is_not_met_has_no_time() -> None:
    problem, regime = random_problem(0), Regime(log10_alpha=20, decay_power=1)
    svm = kernel_svm(problem)
    assert kink_decay_time(svm, problem, regime, ratio=0.0) == inf
    with pytest.raises(InvalidInput, match=r"ratio is -1\.0"):
        kink_decay_time(svm, problem, regime, ratio=-1.0)
    for left in (1.0, -0.5, float("nan")):
        with pytest.raises(InvalidInput, match="left is"):
            kink_decay_time(svm, problem, regime, left=left)


@pytest.mark.parametrize("beyond", [1e-3, 2.0, 30.0, -1e-3, -100.0])
def test_a_kink_too_far_is_never_met(beyond: float) -> None:
    """x kappa = rho^2 and x + log x = log rho^2 + c give x = c + log kappa, if that is positive."""
    problem, regime = random_problem(0), Regime(log10_alpha=3.0, decay_power=1.5)
    svm = kernel_svm(problem)
    share = svm.dual / svm.dual.sum()
    entropy = -float((share[share > 0] * np.log(share[share > 0])).sum())
    c = 2.0 * np.log(svm.margin) + entropy - np.log(2.0 * problem.samples) - regime.log_lambda
    log_kappa = beyond - c
    found = kink_decay_time(svm, problem, regime, ratio=exp(log_kappa))
    if beyond < 0.0:
        assert found == inf
    else:
        at = max(0.0, regime.log_alpha - 0.5 * (log_kappa + np.log(beyond)))
        assert found == pytest.approx(at, rel=1e-6)
