"""Everything measured on one instance, as the fixed object of `evaluate --json`."""

from collections.abc import Sequence
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


def format_evaluation(measured: dict[str, Any]) -> str:
    """The same for a person."""
    problem = measured["problem"]
    lines = [
        f"degree {problem['degree']}, {problem['samples']} samples, "
        f"{problem['parameters']} parameters, kernel margin {_short(problem['kernel_margin'])}",
        f"grokking time t_g = 10^{measured['grokking_log10_time']:.4f}",
    ]
    for entry in measured["times"]:
        numerics = entry["numerics"]
        lines += [
            "",
            f"at {entry['at']:g} t_g ({numerics['chart']} chart, relative error about "
            f"{_short(numerics['error_estimate'])})",
            f"  log |theta|          {_short(entry['log_norm'], 6)}",
            f"  cosine with anchor   {_short(entry['direction_cosine'], 9)}",
            f"  margins              {', '.join(_short(q, 6) for q in entry['margins'])}",
            f"  normalized margin    {_short(entry['normalized_margin'])}",
        ]
        for group in ("kernel_svm", "lazy_flow", "kkt"):
            values = entry[group] or {}
            for name, value in values.items():
                label = f"{group.replace('_', ' ')} {name.replace('_', ' ')}"
                lines.append(f"  {label:<28} {_short(value)}")
    return "\n".join(lines)


def _short(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}g}"
