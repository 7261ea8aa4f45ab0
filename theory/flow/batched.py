"""The gradient flow of many instances and scales at once, in torch, on a CPU or a GPU.

It shares nets, losses and charts with `gradient_flow`, but not the integrator. Diagonal nets at
balanced anchors have a shorter way on a CPU: compiled code on their dual variables.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from theory.assumptions import check_finite, check_zero_output
from theory.backend import Array, Flags, Floats, Integers
from theory.errors import InvalidInput
from theory.flow.chart import Chart
from theory.flow.dual import LARGEST_DUAL_SCALE, dual_flows, reducible
from theory.flow.lanes import Lanes, march
from theory.kernel.lazy import tolerances
from theory.problem import Problem, Regime
from theory.requests import check_rtol, requested_times

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
    steps: Integers
    finished: Flags

    def lanes(self, chosen: Flags) -> "BatchTrajectory":
        """Some of the lanes, by a mask `(B,)`."""
        names = [field.name for field in fields(self) if field.name != "at"]
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


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
    requested = requested_times(at)
    check_rtol(rtol)
    if max_steps < 1:
        raise InvalidInput(f"max_steps is {max_steps}; it must be at least 1")
    _check_compatible(problems)
    _check_device(device)
    distinct = list({id(p): p for p in problems}.values())
    for problem in distinct:
        check_finite(problem)
    compiled = device == "cpu" and all(reducible(p) for p in distinct)
    if not compiled:  # balanced anchors have zero output
        for problem in distinct:
            check_zero_output(problem)
    parts: list[BatchTrajectory] = []
    lanes: list[int] = []
    small = [k for k, r in enumerate(regimes) if r.log10_alpha <= LARGEST_DUAL_SCALE]
    if compiled and small:
        own = [problems[k] for k in small], [regimes[k] for k in small]
        found = _through_duals(*own, requested, rtol, max_steps)
        parts.append(found.lanes(found.finished))
        lanes += [k for k, finished in zip(small, found.finished, strict=True) if finished]
    left = sorted(set(range(len(problems))) - set(lanes))
    if left:
        own = [problems[k] for k in left], [regimes[k] for k in left]
        parts.append(_through_lanes(*own, requested, rtol, device, max_steps))
    return _merged(parts, [*lanes, *left])


def _through_lanes(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Floats,
    rtol: float,
    device: str,
    max_steps: int,
) -> BatchTrajectory:
    """Any nets, on any device: lanes of extrapolated steps."""
    lanes = Lanes.at_start(problems, regimes, at, rtol, device)
    arrived, steps = march(lanes, max_steps)
    clocks, coordinates = lanes.stops.mT, arrived.movedim(1, 0)
    chart = lanes.chart.turned_rich(clocks > lanes.turn)
    point = chart.point(clocks, coordinates)
    norm = point.norm(dim=-1)

    def array(tensor: Array) -> Floats:
        return np.asarray(tensor.movedim(0, 1).cpu().numpy())

    return BatchTrajectory(
        at=at,
        margins=array(chart.labels * chart.outputs(clocks, coordinates)),
        log_norm=array(chart.log_scale(clocks) + norm.log()) - _log_theta(problems),
        directions=array(point / norm[..., None]),
        displacement=_displacement(problems, array(chart.displacement(clocks, coordinates))),
        steps=steps.cpu().numpy(),
        finished=arrived.isfinite().all(-1).all(-1).cpu().numpy(),
    )


def _through_duals(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Floats,
    rtol: float,
    max_steps: int,
) -> BatchTrajectory:
    """Reducible problems, in compiled code on all threads of torch."""
    import torch

    charts = [Chart(p, r, comoving=True) for p, r in zip(problems, regimes, strict=True)]
    allowed = [tolerances(chart.log_gain(0.0), rtol) for chart in charts]
    flows = dual_flows(problems, regimes, at, np.array(allowed), max_steps, torch.get_num_threads())
    states = flows.states
    inputs = np.array([p.labels[:, None] * p.inputs / p.units.gradient for p in problems])
    signs = np.sign(states.anchor[..., : inputs.shape[-1]]) ** states.degree
    return BatchTrajectory(
        at=at,
        margins=(signs * states.weights) @ inputs.swapaxes(-1, -2),
        log_norm=states.log_norm - _log_theta(problems),
        directions=states.directions,
        displacement=_displacement(problems, states.displacement),
        steps=flows.steps,
        finished=flows.finished,
    )


def _log_theta(problems: Sequence[Problem]) -> Floats:
    """log of theta in the units of each problem over theta itself, shape `(B, 1)`."""
    return np.array([[problem.units.log_theta] for problem in problems])


def _displacement(problems: Sequence[Problem], own: Floats) -> Floats:
    """eta `(B, T, P)` from those in the units of each problem."""
    pairs = zip(problems, own, strict=True)
    return np.array([problem.units.displacement(rows) for problem, rows in pairs])


def _merged(parts: Sequence[BatchTrajectory], lanes: Sequence[int]) -> BatchTrajectory:
    """One trajectory in the order of the lanes, whose indices follow one another in `parts`."""
    order = np.argsort(lanes)
    names = [field.name for field in fields(BatchTrajectory) if field.name != "at"]
    merged = {n: np.concatenate([getattr(part, n) for part in parts])[order] for n in names}
    return BatchTrajectory(at=parts[0].at, **merged)


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


def _check_compatible(problems: Sequence[Problem]) -> None:
    first = problems[0]
    if not first.loss_function.classifies:
        raise InvalidInput(
            f"loss is {first.loss!r}; the batched flow is for the classification losses, "
            "gradient_flow follows the slow manifold of the squared loss"
        )
    for k, problem in enumerate(problems):
        for name in ("net", "loss", "classes", "parameters", "samples"):
            shared, own = getattr(first, name), getattr(problem, name)
            if own != shared:
                raise InvalidInput(
                    f"problem {k} has {name} {own} and problem 0 has {shared}; the problems of one "
                    "batch must share net, loss and number of samples"
                )
        if first.classes is not None and not np.array_equal(problem.labels, first.labels):
            raise InvalidInput(
                f"problem {k} has labels {problem.labels.tolist()} and problem 0 has "
                f"{first.labels.tolist()}; of several classes they must agree in one batch"
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
