"""A stiff integrator in compiled code for compiled charts: orders 1 to 5, variable step.

Numerical differentiation formulas on backward differences D_j of equally spaced states, as Shampine
and Reichelt (SIAM J. Sci. Comput. 18, 1997, sections 2.1 to 2.3) state them: with gamma_k =
sum_{j<=k} 1/j and a correction d of the predicted state,

    (1 - kappa_k) gamma_k d + sum_{j<=k} gamma_j D_j = h f(t + h, sum_{j<=k} D_j + d),

and an error of (kappa_k gamma_k + 1/(k+1)) d. SciPy's takes the same steps, in ten times the time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled
from theory.flow.compiled_chart import CompiledChart, slope, slope_derivative
from theory.integrate import Stretch

HIGHEST: Final = 5
KAPPA: Final = np.array([0.0, -0.1850, -1.0 / 9.0, -0.0823, -0.0415, 0.0])
GAMMA: Final = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, HIGHEST + 1))])
LEADING: Final = (1.0 - KAPPA) * GAMMA
ERRORS: Final = KAPPA * GAMMA + 1.0 / np.arange(1, HIGHEST + 2)

ITERATIONS: Final = 4
"""Of Newton's method in a step, with the Jacobian of an earlier state."""

SHRINKS, GROWS = 0.2, 10.0
"""Bounds of the factor by which a step changes."""

FINISHED, BUDGET_SPENT, STEP_TOO_SMALL, NOT_FINITE = range(4)
REASONS: Final = ("", "budget spent", "steps below rounding", "NaN in the Jacobian")


def integrate_chart(
    chart: CompiledChart,
    start: float,
    clocks: Floats,
    initial: Floats,
    rtol: float,
    atol: float,
    max_evaluations: int,
) -> Stretch:
    """Integrate to the last of the ascending `clocks`, all after `start`."""
    states = np.empty((len(clocks), initial.size))
    try:
        evaluations, ended = _integrate(
            chart.whole, chart.real, start, clocks, initial, rtol, atol, max_evaluations, states
        )
    except np.linalg.LinAlgError as error:
        return Stretch(states, 0, str(error))
    return Stretch(states, evaluations, REASONS[ended])


@compiled
def _size(values: Floats, around: Floats, rtol: float, atol: float) -> float:
    """Root of the mean square, in units of the tolerance."""
    total = 0.0
    for p in range(values.size):
        total += (values[p] / (atol + rtol * abs(around[p]))) ** 2
    return float(np.sqrt(total / values.size))


@compiled
def _rescaled(order: int, factor: float) -> Floats:
    """From differences at a step to those at `factor` times it, through the same polynomial."""
    change = np.empty((order + 1, order + 1))
    change[:, 0] = 0.0
    change[0, :] = 1.0
    for i in range(1, order + 1):
        for j in range(1, order + 1):
            change[i, j] = change[i - 1, j] * (i - 1 - factor * j) / i
    return change


@compiled
def _change_step(differences: Floats, order: int, factor: float) -> None:
    matrix = _rescaled(order, factor) @ _rescaled(order, 1.0)
    differences[: order + 1] = matrix.T @ np.ascontiguousarray(differences[: order + 1])


@compiled
def _between(differences: Floats, order: int, steps_back: float) -> Floats:
    """The interpolating polynomial so many steps before the last state."""
    state: Floats = differences[0].copy()
    weight = 1.0
    for j in range(1, order + 1):
        weight *= (j - 1 - steps_back) / j
        state += weight * differences[j]
    return state


@compiled
def _first_step(
    whole: NDArray[np.int64],
    real: Floats,
    start: float,
    initial: Floats,
    rates: Floats,
    longest: float,
    rtol: float,
    atol: float,
) -> float:
    """Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4."""
    size, speed = _size(initial, initial, rtol, atol), _size(rates, initial, rtol, atol)
    trial = 1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed
    trial = min(trial, longest)
    later = slope(whole, real, start + trial, initial + trial * rates)
    bend = _size(later - rates, initial, rtol, atol) / trial
    steepest = max(speed, bend)
    wanted = max(1e-6, 1e-3 * trial) if steepest <= 1e-15 else np.sqrt(0.01 / steepest)
    return float(min(100.0 * trial, wanted, longest))


@compiled
def _corrected(
    whole: NDArray[np.int64],
    real: Floats,
    clock: float,
    predicted: Floats,
    known: Floats,
    scaled: float,
    inverse: Floats,
    rtol: float,
    atol: float,
) -> tuple[bool, int, Floats]:
    """d by Newton's method: whether it converged, in how many rounds, and `(P,)`."""
    converged_at = max(10.0 * np.finfo(np.float64).eps / rtol, min(0.03, np.sqrt(rtol)))
    correction, before = np.zeros(predicted.size), -1.0
    for rounds in range(1, ITERATIONS + 1):
        rates = slope(whole, real, clock, predicted + correction)
        if not np.all(np.isfinite(rates)):
            return False, rounds, correction
        change = inverse @ (scaled * rates - known - correction)
        length = _size(change, predicted, rtol, atol)
        shrinks = length / before if before >= 0.0 else 0.0
        if before >= 0.0:
            left = ITERATIONS - rounds + 1
            if shrinks >= 1.0 or shrinks**left / (1.0 - shrinks) * length > converged_at:
                return False, rounds, correction
        correction += change
        if length == 0.0:
            return True, rounds, correction
        if before >= 0.0 and shrinks / (1.0 - shrinks) * length < converged_at:
            return True, rounds, correction
        before = length
    return False, ITERATIONS, correction


@compiled
def _best_order(
    differences: Floats, order: int, error: float, reached: Floats, rtol: float, atol: float
) -> tuple[int, float]:
    """The order, of three, whose error allows the longest step, and by what factor."""
    best, chosen = error ** (-1.0 / (order + 1)) if error > 0.0 else np.inf, order
    for other in (order - 1, order + 1):
        if 1 <= other <= HIGHEST:
            told = abs(ERRORS[other]) * _size(differences[other + 1], reached, rtol, atol)
            factor = told ** (-1.0 / (other + 1)) if told > 0.0 else np.inf
            if factor > best:
                best, chosen = factor, other
    return chosen, best


@compiled
def _integrate(
    whole: NDArray[np.int64],
    real: Floats,
    start: float,
    clocks: Floats,
    initial: Floats,
    rtol: float,
    atol: float,
    budget: int,
    states: Floats,
) -> tuple[int, int]:
    """Fill `states`; the number of right-hand sides, and how it ended."""
    count, eps = initial.size, np.finfo(np.float64).eps
    stop, clock = clocks[-1], start
    rates = slope(whole, real, clock, initial)
    step = _first_step(whole, real, clock, initial, rates, stop - clock, rtol, atol)
    differences = np.zeros((HIGHEST + 3, count))
    differences[0], differences[1] = initial, step * rates
    jacobian, fresh = slope_derivative(whole, real, clock, initial), True
    inverse, factored = np.eye(count), False
    order, equal_steps, used, reported = 1, 0, 2, 0
    while reported < clocks.size:
        if used > budget:
            return used, BUDGET_SPENT
        if step < 10.0 * eps * max(abs(clock), abs(stop), 1.0):
            return used, STEP_TOO_SMALL
        later = clock + step
        if later > stop:
            _change_step(differences, order, (stop - clock) / step)
            step, later, equal_steps, factored = stop - clock, stop, 0, False
        predicted = np.zeros(count)
        known = np.zeros(count)
        for j in range(order + 1):
            predicted += differences[j]
            known += GAMMA[j] * differences[j]
        known /= LEADING[order]
        scaled = step / LEADING[order]
        if not factored:
            matrix = np.eye(count) - scaled * jacobian
            if not np.all(np.isfinite(matrix)):
                return used, NOT_FINITE
            inverse, factored = np.ascontiguousarray(np.linalg.inv(matrix)), True
        converged, rounds, correction = _corrected(
            whole, real, later, predicted, known, scaled, inverse, rtol, atol
        )
        used += rounds
        if not converged:
            if fresh:
                _change_step(differences, order, 0.5)
                step, equal_steps = 0.5 * step, 0
            else:
                jacobian, fresh = slope_derivative(whole, real, later, predicted), True
            factored = False
            continue
        reached = predicted + correction
        safety = 0.9 * (2 * ITERATIONS + 1) / (2 * ITERATIONS + rounds)
        error = abs(ERRORS[order]) * _size(correction, reached, rtol, atol)
        if error > 1.0:
            factor = max(SHRINKS, safety * error ** (-1.0 / (order + 1)))
            _change_step(differences, order, factor)
            step, equal_steps, factored = factor * step, 0, False
            continue
        equal_steps += 1
        clock, fresh = later, False
        differences[order + 2] = correction - differences[order + 1]
        differences[order + 1] = correction
        for j in range(order, -1, -1):
            differences[j] += differences[j + 1]
        while reported < clocks.size and clocks[reported] <= clock:
            states[reported] = _between(differences, order, (clock - clocks[reported]) / step)
            reported += 1
        if equal_steps < order + 1:
            continue
        order, longest = _best_order(differences, order, error, reached, rtol, atol)
        factor = min(GROWS, safety * longest)
        _change_step(differences, order, factor)
        step, equal_steps, factored = factor * step, 0, False
    return used, FINISHED
