"""Everything measured on one instance, as the fixed object of `evaluate --json`."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from theory.assumptions import check_assumptions
from theory.asymptotics.kernel_phase import log_inverse_decay, normalization, refined_normalization
from theory.backend import Floats
from theory.flow import FlowState, gradient_flow
from theory.kernel import KernelSVM, LazyFlow, kernel_svm, lazy_flow
from theory.margin import kkt_residual
from theory.problem import Problem, Regime
from verify.instances import FlowInstance, finite_or_none


def evaluate_instance(instance: FlowInstance, times: Sequence[float]) -> dict[str, Any]:
    """Check the assumptions, integrate, and compare with every prediction.

    Args:
        times: in units of t_g.

    Raises:
        AssumptionError, NumericalFailure: as the checks and the integrator.
    """
    problem, regime = instance.problem, instance.regime
    check_assumptions(problem)
    flow = gradient_flow(problem, regime, at=times)
    classifies = problem.loss_function.classifies
    svm = kernel_svm(problem) if classifies else None
    positive = [at for at in times if at > 0]
    lazy = lazy_flow(problem, regime, positive) if classifies and positive else None
    measured = {
        "problem": {
            "degree": problem.degree,
            "samples": problem.samples,
            **({} if problem.classes is None else {"classes": problem.classes}),
            "parameters": problem.parameters,
            "kernel_margin": None if svm is None else svm.margin,
        },
        "grokking_log10_time": regime.grokking_log10_time,
        "times": [
            {
                "at": float(at),
                "log_norm": state.log_norm,
                "direction_cosine": state.anchor_cosine,
                "margins": state.margins.tolist(),
                "normalized_margin": _normalized_margin(state),
                "kernel_svm": None if svm is None else _kernel_svm(svm, problem, regime, state),
                "lazy_flow": _lazy_flow(lazy, positive.index(at), state)
                if lazy is not None and at > 0
                else None,
                "kkt": _kkt(problem, state),
                "numerics": {
                    "error_estimate": float(error),
                    "evaluations": flow.evaluations,
                    "chart": state.chart.name,
                },
            }
            for at, state, error in zip(times, flow.states, flow.error_estimate, strict=True)
        ],
    }
    strict: dict[str, Any] = _strict(measured)
    return strict


def _strict(value: Any) -> Any:
    """The same data with null for numbers that strict JSON does not have."""
    if isinstance(value, dict):
        return {key: _strict(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_strict(entry) for entry in value]
    return finite_or_none(value) if isinstance(value, float) else value


def _normalized_margin(state: FlowState) -> float:
    """min_i q_i / |theta|^L, which underflows to 0 in the kernel phase of huge alphas."""
    smallest = state.margins.min()
    with np.errstate(divide="ignore", under="ignore", over="ignore"):
        size = np.exp(np.log(np.abs(smallest)) - state.problem.degree * state.log_norm)
    return float(np.copysign(size, smallest))


def _kernel_svm(
    svm: KernelSVM, problem: Problem, regime: Regime, state: FlowState
) -> dict[str, float | None]:
    """Distances from the limit of Theorem 1: of f / Z on the training points, and of directions."""
    eta = state.displacement
    length = float(np.linalg.norm(eta))
    scale = normalization(svm, problem, regime, state.at)
    refined = refined_normalization(svm, log_inverse_decay(problem, regime, state.at))
    return {
        "gap": _gap(state.margins, scale, svm),
        "refined_gap": _gap(state.margins, refined, svm),
        "direction_gap": float(np.linalg.norm(eta / length - svm.direction))
        if 0 < length < np.inf
        else None,
    }


def _gap(margins: Floats, scale: float, svm: KernelSVM) -> float | None:
    """max_i |q_i / Z - <Phi_i, h*/|h*|>| over the largest of the latter; None unless Z > 0."""
    if not scale > 0:
        return None
    return float(np.abs(margins / scale - svm.margins).max() / svm.margins.max())


def _lazy_flow(lazy: LazyFlow, row: int, state: FlowState) -> dict[str, float]:
    reference = lazy.margins[row]
    return {"gap": float(np.abs(state.margins - reference).max() / np.abs(reference).max())}


def _kkt(problem: Problem, state: FlowState) -> dict[str, float | None]:
    """Stationarity with the best multipliers, complementarity with the flow's own."""
    if not problem.loss_function.classifies:
        return {"stationarity": None, "complementarity": None, "feasibility": None}
    weights = np.exp(state.log_multipliers - state.log_multipliers.max())
    residual = kkt_residual(problem, state.direction, margins=state.margins, weights=weights)
    return {
        "stationarity": residual.stationarity,
        "complementarity": residual.complementarity,
        "feasibility": residual.feasibility,
        "flow_stationarity": state.stationarity,
    }


MOST_MARGINS = 6
"""So many margins are listed; of more the smallest, the middle one and the largest are told."""

_TOLD = (
    ("kernel_svm", "gap", "f / Z is off the kernel SVM", "0 equal, 1 unrelated"),
    ("kernel_svm", "refined_gap", "with Z to the next order", "0 equal, 1 unrelated"),
    ("kernel_svm", "direction_gap", "direction of its displacement is off", "0 equal, 2 opposite"),
    ("lazy_flow", "gap", "margins are off linearised training", "0 equal, 1 unrelated"),
    ("kkt", "stationarity", "stationarity, best multipliers", "0 a KKT point, 1 far from any"),
    ("kkt", "flow_stationarity", "stationarity, the flow's own", "0 a KKT point, 1 far from any"),
    ("kkt", "complementarity", "complementarity", "0 only the smallest margins count, 1 all do"),
    ("kkt", "feasibility", "feasibility", "0 every sample is fitted"),
)
"""What is measured, in words, with its scale."""


def format_evaluation(measured: dict[str, Any]) -> str:
    """The same for a person, in sentences of at most 80 columns, each number with its scale."""
    problem = measured["problem"]
    margin = problem["kernel_margin"]
    lines = [
        f"A net of degree {problem['degree']:g} with {problem['parameters']} parameters, on "
        f"{problem['samples']} samples.",
        "It is asked for regression, which has no margin."
        if margin is None
        else f"The kernel SVM at its anchor has margin {_short(margin)}.",
        f"Its grokking time is t_g = 10^{measured['grokking_log10_time']:.4f}.",
    ]
    for entry in measured["times"]:
        lines += ["", *_at_one_time(entry)]
    return "\n".join(lines)


def _at_one_time(entry: dict[str, Any]) -> Iterator[str]:
    numerics = entry["numerics"]
    yield (
        f"At {entry['at']:g} t_g ({numerics['chart']} chart, numerical error "
        f"{_short(numerics['error_estimate'], 2)} of the numbers below):"
    )
    yield f"  log |theta| is {_short(entry['log_norm'], 6)}"
    cosine = _short(entry["direction_cosine"], 9)
    yield f"  cosine with the anchor is {cosine} (1 unmoved, 0 turned)"
    yield from _margins_in_words(entry["margins"])
    yield f"  normalized margin, min / |theta|^degree, is {_short(entry['normalized_margin'])}"
    for group, name, words, scale in _TOLD:
        value = (entry[group] or {}).get(name)
        if value is not None:
            yield f"  {words}: {_short(value)} ({scale})"
    if entry["kernel_svm"] is None:
        yield "  no kernel SVM, no KKT conditions: labels are targets of regression"
    elif entry["lazy_flow"] is None:
        yield "  linearised training has not begun"


def _margins_in_words(margins: Sequence[float]) -> Iterator[str]:
    fitted = sum(margin > 0 for margin in margins)
    if len(margins) <= MOST_MARGINS:
        yield f"  margins are {', '.join(_short(margin, 4) for margin in margins)}"
    else:
        low, middle, high = np.quantile(margins, [0.0, 0.5, 1.0])
        yield (
            f"  {len(margins)} margins from {_short(float(low))} to {_short(float(high))}, the "
            f"middle one {_short(float(middle))}"
        )
    yield f"  margins are positive on {fitted} of {len(margins)}"


def _short(value: float | None, digits: int = 4) -> str:
    return "not a number of float64" if value is None else f"{value:.{digits}g}"
