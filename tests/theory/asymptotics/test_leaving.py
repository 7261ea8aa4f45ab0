"""Units that leave a kink: a slide of one unit by a plain solver, and a net of eight."""

from math import log2

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.asymptotics.kinks import bent
from theory.asymptotics.leaving import lead_of_leaving, order_of_leaving
from theory.errors import InvalidInput
from theory.flow import gradient_flow
from theory.nets import TwoLayerReLU
from theory.problem import Problem, Regime

READOUT = (0.003614408552049187, -0.06424997530081428, -0.014698594778333358, 0.08095735624041864)
READOUT += (0.1649266167820469, 0.19393979221412053, -0.07112792974568683, -0.13822650620593704)
HIDDEN = (-19, 2, -4, -8, 5, 15, 0, -19, 7, -7, 16, -5, 11, -19, 27, -13)
INPUTS = [[-9.0, 6.0], [11.0, 28.0], [-27.0, -5.0], [19.0, 22.0], [6.0, -16.0]]
LABELS = [1.0, 1.0, -1.0, 1.0, 1.0]


@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0])
def test_one_slide(speed: float) -> None:
    """z' = k t + 1 - sig(z / d), whose slope passes 1 at t = 0, from where it is balanced; what the
    formula leaves out is of order d^(3/2).
    """
    wide, narrow = (_lead(d, speed) - lead_of_leaving(d, speed) for d in (1e-4, 1e-6))
    assert abs(narrow) <= 2e-3 * lead_of_leaving(1e-6, speed)
    assert wide / narrow == pytest.approx(1e3, rel=0.05)


def _lead(smoothing: float, speed: float) -> float:
    """In units of z / d = x and t = sqrt(d) s, which are of order one where it leaves."""
    root = np.sqrt(smoothing)

    def pull(s: float, x: np.ndarray) -> np.ndarray:
        return speed * s + 1.0 / (1.0 + np.exp(x)) / root

    end = 20.0 / np.sqrt(speed)
    span = (-0.5 / speed / root, end)
    flow = solve_ivp(pull, span, [0.0], method="Radau", rtol=1e-9, atol=1e-9)
    return smoothing * (float(flow.y[0, -1]) - speed * end**2 / 2.0)


@pytest.mark.parametrize("power", [4, 13, 20])
def test_the_order_of_a_logarithm(power: int) -> None:
    smoothing = 2.0**-power
    errors = [d * np.log(1.0 / d) for d in smoothing * 2.0 ** -np.arange(3)]
    wide, narrow = np.abs(np.diff(errors))
    assert order_of_leaving(smoothing) == pytest.approx(log2(wide / narrow), rel=1e-12)
    assert order_of_leaving(smoothing) == pytest.approx(1.0 - log2(power / (power - 1)), rel=1e-12)


def test_a_net_of_which_a_unit_leaves_its_kink_errs_by_d_log_d() -> None:
    """Differences over d grow by the same from halving to halving; without a logarithm they would
    not grow at all, with d^2 their growth would halve.
    """
    anchor = np.concatenate([READOUT, 0.017881686884042004 * np.array(HIDDEN)])
    problem = Problem(TwoLayerReLU(8, 2), anchor, np.array(INPUTS) / 16.0, LABELS)
    regime = Regime(log10_alpha=8.0, log10_lambda=-24.0)
    widths = 2.0 ** -np.arange(13.0, 19.0)
    ends = []
    for width in widths:
        flow = gradient_flow(bent(problem, width), regime, [1.58], rtol=1e-11)
        ends.append(flow.states[-1].direction)
    grown = np.diff(np.linalg.norm(np.diff(ends, axis=0), axis=1) / widths[:-1])
    assert np.all(grown > 0.0)
    np.testing.assert_allclose(grown, grown.mean(), rtol=0.1)


@pytest.mark.parametrize("smoothing", [0.0, -1.0, float("nan")])
def test_what_is_no_smoothing(smoothing: float) -> None:
    with pytest.raises(InvalidInput, match="smoothing is"):
        lead_of_leaving(smoothing, 1.0)
    with pytest.raises(InvalidInput, match="smoothing is"):
        order_of_leaving(smoothing)
