"""Gradient flow on the population loss in the D-dimensional weights themselves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, Setting
from theory.lazy_rich.online import OrderParameters
from theory.lazy_rich.sampling_noise import PopulationRun

TOLERANCES = (1e-12, 3e-11)
"""Tight and loose."""


def order_parameters(weights: Floats, setting: Setting) -> OrderParameters:
    """C, A and E of weights `(N, D)`."""
    dimension, initial, beta = setting.input_dim, setting.weights(), setting.direction()
    return OrderParameters(
        weights @ weights.T / dimension, weights @ beta / dimension, weights @ initial.T / dimension
    )


def flow_of_weights(
    setting: Setting, times: Sequence[float], rtol: float
) -> tuple[OrderParameters, ...]:
    """At increasing times.

    Raises:
        NumericalFailure: the integrator stopped early.
    """
    solution = _solved(setting, times[-1], rtol, t_eval=np.asarray(times))
    shape = (setting.width, setting.input_dim)
    return tuple(order_parameters(w.reshape(shape), setting) for w in solution.y.T)


def escape_of_weights(setting: Setting, latest: float, rtol: float) -> float:
    """When the alignment term of the test loss falls to half of B^2 / 2; NaN if never."""
    run, shape = PopulationRun(setting), (setting.width, setting.input_dim)

    def left(_: float, weights: Floats) -> float:
        machine = Committee(weights.reshape(shape), setting.output_scale, setting.curvature)
        gap = machine.form() - run.offset - setting.target()
        return float(gap.mean_square().alignment) - 0.25 * setting.signal**2

    left.terminal = True  # type: ignore[attr-defined]
    left.direction = -1.0  # type: ignore[attr-defined]
    solution = _solved(setting, latest, rtol, events=left)
    return float(solution.t_events[0][0]) if solution.t_events[0].size else float("nan")


def _solved(setting: Setting, until: float, rtol: float, **asked: Any) -> Any:
    run, first = PopulationRun(setting), setting.weights()
    speed = -setting.input_dim * setting.width / (2.0 * setting.output_scale**2)
    solution = solve_ivp(
        lambda _, w: speed * run.gradient(w.reshape(first.shape)).ravel(),
        (0.0, until),
        first.ravel(),
        method="DOP853",
        rtol=rtol,
        atol=rtol,
        **asked,
    )
    if not solution.success:
        raise NumericalFailure(f"the flow of the weights: {solution.message}")
    return solution
