"""The gradient flow of many instances and scales at once, in torch, on a CPU or a GPU.

It shares nets, losses and charts with `gradient_flow`, but not the integrator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from theory.assumptions import check_finite, check_zero_output
from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.flow.lanes import Lanes, march
from theory.problem import Problem, Regime

MAX_STEPS: Final = 4000
"""Flows need 20 to 200 steps at rtol 1e-9 up to log10 alpha = 20, and 1500 at 10000."""


@dataclass(frozen=True, eq=False)
class BatchTrajectory:
    """B flows at T times, as numpy arrays; NaN at every time that a lane did not reach.

    Attributes:
        at: times in units of t_g, shape `(T,)`.
        margins: q_i = y_i f_i, shape `(B, T, n)`.
        log_norm: log |theta|, shape `(B, T)`.
        directions: theta / |theta|, shape `(B, T, P)`.
        displacement: eta with theta = rho (anchor + rho^-L eta), shape `(B, T, P)`.
        steps: steps tried, rejected ones included, shape `(B,)`.
        finished: whether the lane reached all its times, shape `(B,)`.
    """

    at: Floats
    margins: Floats
    log_norm: Floats
    directions: Floats
    displacement: Floats
    steps: NDArray[np.int64]
    finished: NDArray[np.bool_]


def gradient_flow_batch(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Sequence[float] = (0.7, 1.3),
    *,
    rtol: float = 1e-9,
    device: str = "cpu",
    max_steps: int = MAX_STEPS,
) -> BatchTrajectory:
    """Integrate the flows of B pairs of a problem and a regime, each with its own step size.

    Errors in margins and directions are a few rtol. As in `gradient_flow`, a coordinate that decays
    below rounding (log10 alpha of about 1000) may come back with the wrong sign.

    Args:
        problems: B problems of one net, one loss (exponential or logistic) and equally many
            samples, or one problem for all regimes.
        regimes: B regimes, or one for all problems.
        at: times in units of each lane's own t_g, at least 0.
        rtol: relative tolerance of one step, raised at huge alpha as in `gradient_flow`.
        device: a torch device, such as "cpu" or "cuda"; float64 on either.
        max_steps: budget of steps for each lane; a lane that spends it is not `finished`.

    Raises:
        InvalidInput: for lists that do not fit each other, problems that cannot share a batch,
            the squared loss, bad times, rtol or budget, a device that torch does not have.
        AssumptionError: an anchor's output is not zero, or values are not finite.
    """
    problems, regimes = _paired(problems, regimes)
    requested = _requested(at)
    if not 1e-13 <= rtol <= 1e-2:
        raise InvalidInput(f"rtol is {rtol}; it must lie in [1e-13, 1e-2]")
    if max_steps < 1:
        raise InvalidInput(f"max_steps is {max_steps}; it must be at least 1")
    _check_compatible(problems)
    _check_device(device)
    for problem in {id(p): p for p in problems}.values():
        check_finite(problem)
        check_zero_output(problem)
    lanes = Lanes.at_start(problems, regimes, requested, rtol, device)
    arrived, steps = march(lanes, max_steps)
    clocks, coordinates = lanes.stops.mT, arrived.movedim(1, 0)
    chart = lanes.chart.turned_rich(clocks > lanes.turn)
    point = chart.point(clocks, coordinates)
    norm = point.norm(dim=-1)

    def array(tensor: Array) -> Floats:
        return np.asarray(tensor.movedim(0, 1).cpu().numpy())

    return BatchTrajectory(
        at=requested,
        margins=array(chart.labels * chart.outputs(clocks, coordinates)),
        log_norm=array(chart.log_scale(clocks) + norm.log()),
        directions=array(point / norm[..., None]),
        displacement=array(chart.displacement(clocks, coordinates)),
        steps=steps.cpu().numpy(),
        finished=arrived.isfinite().all(-1).all(-1).cpu().numpy(),
    )


def _paired(
    problems: Sequence[Problem], regimes: Sequence[Regime]
) -> tuple[list[Problem], list[Regime]]:
    lanes = max(len(problems), len(regimes))
    if not problems or not regimes or {len(problems), len(regimes)} - {1, lanes}:
        raise InvalidInput(
            f"there are {len(problems)} problems and {len(regimes)} regimes; give equally many, "
            "or exactly one of either"
        )
    return (
        list(problems) * (lanes // len(problems)),
        list(regimes) * (lanes // len(regimes)),
    )


def _requested(at: Sequence[float]) -> Floats:
    requested = np.asarray(at, dtype=np.float64)
    if requested.ndim != 1 or requested.size == 0 or not np.all(np.isfinite(requested)):
        raise InvalidInput(f"at is {at!r}; it must be a list of finite times in units of t_g")
    if requested.min() < 0:
        raise InvalidInput(f"at holds {requested.min()}; times must be >= 0 (units of t_g)")
    return requested


def _check_compatible(problems: Sequence[Problem]) -> None:
    first = problems[0]
    if not first.loss_function.classifies:
        raise InvalidInput(
            f"loss is {first.loss!r}; the batched flow is for the classification losses, "
            "gradient_flow follows the slow manifold of the squared loss"
        )
    for k, problem in enumerate(problems):
        for name in ("net", "loss", "parameters", "samples"):
            shared, own = getattr(first, name), getattr(problem, name)
            if own != shared:
                raise InvalidInput(
                    f"problem {k} has {name} {own} and problem 0 has {shared}; the problems of one "
                    "batch must share net, loss and number of samples"
                )
        if problem.inputs.shape != first.inputs.shape:
            raise InvalidInput(
                f"problem {k} has inputs of shape {problem.inputs.shape} and problem 0 of shape "
                f"{first.inputs.shape}; the problems of one batch must have inputs of one shape"
            )


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidInput(f"device is {device!r}; torch cannot use it here: {error}") from None
