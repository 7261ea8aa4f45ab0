"""The gradient flow of many instances and scales at once, on a CPU or a GPU.

In torch side by side on a GPU. On a CPU by what takes less: compiled code on the dual variables of
diagonal nets at balanced anchors, else `gradient_flow` for each lane, in threads where the net is
compiled, since steps in torch have nine factorisations and 46 right-hand sides each (64 two-layer
nets of 40 parameters: 90 to 120 ms a lane instead of 1.1 to 1.8 on two threads; 16 of a user's: 1.2
to 2.3 s instead of 0.3 to 0.5).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np

from theory.assumptions import check_finite, check_zero_output
from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.flow.batch_lanes import flows_in_lanes
from theory.flow.batch_trajectory import (
    BatchTrajectory,
    displacement_told,
    log_theta_units,
    merged,
)
from theory.flow.chart import Chart
from theory.flow.compiled_chart import CompiledChart
from theory.flow.dual import LARGEST_DUAL_SCALE, dual_flows, reducible
from theory.flow.extrapolation import ORDER
from theory.flow.fastest_chart import fastest_chart
from theory.flow.gradient import checked_flow, in_one_call
from theory.flow.traced_chart import TracedChart
from theory.kernel.lazy import tolerances
from theory.problem import Problem, Regime
from theory.requests import TIGHTEST, check_budget, check_rtol, requested_times, shortened
from theory.threads import threads_for

MAX_STEPS: Final = 4000
"""Flows need 20 to 200 steps at rtol 1e-9 up to log10 alpha = 20, and 1500 at 10000."""

STAGES: Final = ORDER * (ORDER + 1) // 2 + 1
"""Right-hand sides of an extrapolated step; those of `gradient_flow` are told in steps of so many,
so that a budget means the same work."""

TIGHTER: Final = 100.0
"""By how much `gradient_flow` is: of margins between 0.2 and 2 t_g it is off by up to 40 times its
rtol through LSODA, and by 250 times that where a rectifier bends."""

TIGHTER_WHERE_SMOOTH: Final = 10.0
"""Of 7,440 states of collocated polynomial nets, at rtol 1e-7 to 1e-10 and log10 alpha 1 to 12, 99
of 100 were off by 1.6 times their rtol at most, and two by 31 and 44 times that."""


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

    Errors in margins and directions are a few rtol, of diagonal nets of degree 3 and more up to 15
    at rest. As in `gradient_flow`, a coordinate that decays below rounding (log10 alpha of about
    1000) may come back with the wrong sign.

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
            the squared loss, bad times, rtol or budget, a device that torch does not have
            or that holds no numbers.
        AssumptionError: an anchor's output is not zero, or values are not finite.
    """
    problems, regimes = paired(problems, regimes)
    requested = requested_times(at)
    check_rtol(rtol)
    check_budget("max_steps", max_steps)
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
    own = [problems[k] for k in left], [regimes[k] for k in left]
    if left and device == "cpu":
        parts += _one_by_one(*own, requested, rtol, max_steps)
    elif left:
        parts.append(flows_in_lanes(*own, requested, rtol, device, max_steps))
    return merged(parts, [*lanes, *left])


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
        log_norm=states.log_norm - log_theta_units(problems),
        directions=states.directions,
        displacement=displacement_told(problems, states.displacement),
        steps=flows.steps,
        finished=flows.finished,
    )


def _one_by_one(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Floats,
    rtol: float,
    max_steps: int,
) -> list[BatchTrajectory]:
    """On all threads of torch where the net is compiled, which four fifths of a flow are."""
    import torch

    chart = fastest_chart(Chart(problems[0], regimes[0], comoving=True))
    tolerances = [max(rtol / _tighter(chart, regime), TIGHTEST) for regime in regimes]
    flow = partial(_alone, at=at, max_steps=max_steps)
    workers = min(torch.get_num_threads(), len(problems))
    with threads_for(problems[0].parameters):
        if workers == 1 or not isinstance(chart, CompiledChart):
            return list(map(flow, problems, regimes, tolerances))
        with ThreadPoolExecutor(workers) as threads:
            return list(threads.map(flow, problems, regimes, tolerances))


def _tighter(chart: CompiledChart | Chart, regime: Regime) -> float:
    """By how much the rtol of `gradient_flow` is smaller than that of the batch."""
    bent = not isinstance(chart, CompiledChart | TracedChart) or chart.rectified
    return TIGHTER if bent or in_one_call(chart, regime) is None else TIGHTER_WHERE_SMOOTH


def _alone(
    problem: Problem, regime: Regime, rtol: float, *, at: Floats, max_steps: int
) -> BatchTrajectory:
    """One lane, checked, as by `gradient_flow`; where that fails, the lane stays at its start."""
    budget = STAGES * max_steps
    try:
        flow = checked_flow(
            problem, regime, at, rtol=rtol, estimate_error=False, max_evaluations=budget
        )
        steps, reached = -(-flow.evaluations // STAGES), np.full(at.shape, True)
    except IntegrationFailed:
        flow = checked_flow(problem, regime, 0.0 * at, rtol=rtol)
        steps, reached = max_steps, at == 0.0

    def told(values: Floats) -> Floats:
        rows = reached.reshape(-1, *[1] * (values.ndim - 1))
        return np.where(rows, values, np.nan)[None]

    return BatchTrajectory(
        at=at,
        margins=told(flow.margins),
        log_norm=told(flow.log_norm),
        directions=told(flow.directions),
        displacement=told(flow.displacement),
        steps=np.array([steps]),
        finished=np.array([reached.all()]),
    )


def paired(
    problems: Sequence[Problem], regimes: Sequence[Regime]
) -> tuple[list[Problem], list[Regime]]:
    """B of each, one for all repeated; `InvalidInput` where their numbers do not fit."""
    _check_list("problems", problems, Problem)
    _check_list("regimes", regimes, Regime)
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


def _check_list(name: str, values: object, kind: type) -> None:
    """`InvalidInput` unless it is a list or tuple of that kind alone."""
    if not isinstance(values, Sequence) or not all(isinstance(value, kind) for value in values):
        raise InvalidInput(f"{name} is {shortened(values)}; it must be a list of {kind.__name__}s")


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
        torch.empty(0, dtype=torch.float64, device=device).cpu()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InvalidInput(f"device is {device!r}; torch cannot use it here: {error}") from None
