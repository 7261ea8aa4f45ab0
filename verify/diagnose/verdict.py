"""A diagnosis in words: what the last checkpoint is, and what the run did."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LAZY: Final = 0.1
"""Kernel drift and distance from linearised training up to which a net is called lazy."""

NEAR: Final = 0.15
"""KKT residuals up to which a net is called near a KKT point; flows at 1.3 t_g from alpha = 10^4
have a tenth."""

MISFIT: Final = 0.05
"""Of the largest target, up to which targets count as fitted."""

UNRELATED: Final = 0.7
"""Distance from linearised training from which on nothing is left of the start."""


def regime(entry: Mapping[str, Any]) -> str:
    """One word of one checkpoint: "start", "kernel", "kkt", "fitted", "between" or "unrelated"."""
    kernel, kkt = entry["kernel"], entry["kkt"]
    linear, drift = kernel["linearized_distance"], kernel["drift"]
    if entry["norm"] is None:
        return "unusable"
    if linear is None and drift is not None and drift < 1e-12:
        return "start"
    if linear is not None and drift is not None and linear <= LAZY and drift <= LAZY:
        return "kernel"
    stationarity = kkt["clarke"] if kkt.get("clarke") is not None else kkt["stationarity"]
    smallest, misfit = entry["min_margin"], kkt["feasibility"]
    if smallest is not None:
        fits = smallest > 0
    else:
        fits = (misfit is not None and misfit <= MISFIT) or entry["accuracy"] == 1.0
    slack = kkt["complementarity"]
    if fits and stationarity is not None and stationarity <= NEAR and (slack or 0.0) <= 2 * NEAR:
        return "kkt"
    if fits:
        return "fitted"
    gone = abs(entry["direction_cosine"] or 0.0) < 0.3 and (linear is None or linear >= UNRELATED)
    return "unrelated" if gone else "between"


SENTENCES: Final = {
    "start": "The last checkpoint is the start itself.",
    "kernel": "The net is in the kernel regime: it is its linearisation at the start.",
    "kkt": "The net {left}is near a KKT point of the max-margin (for targets: minimum-norm) "
    "problem.",
    "fitted": "The net {left}fits the data, and is not at a KKT point yet.",
    "between": "The net {left}does not fit the data yet.",
    "unrelated": "The last checkpoint is unrelated to the start and fits nothing: neither the "
    "kernel machine of the start nor a KKT point. Are these checkpoints of this run, and is this "
    "its data?",
}

LEFT: Final = "has left the kernel regime and "


def _sentence(entry: Mapping[str, Any]) -> str:
    """That a net has left the kernel regime is said where drift or distance show it."""
    shown = (entry["kernel"]["linearized_distance"], entry["kernel"]["drift"])
    left = any(value is not None and value > LAZY for value in shown)
    return SENTENCES[regime(entry)].format(left=LEFT if left else "")


def verdict(
    entries: Sequence[Mapping[str, Any]], transition: Mapping[str, Any], t_g: float | None
) -> str:
    """Sentences on the run; every number in them is in the report as well."""
    usable = [entry for entry in entries if entry["norm"] is not None]
    last = usable[-1]
    said = [_sentence(last) + _numbers(last)]
    lazy = [entry for entry in usable[1:] if regime(entry) == "kernel"]
    if lazy and lazy[-1] is not last:
        said.append(f"It was in the kernel regime until {lazy[-1]['file']}.")
    said += _transition(transition, t_g)
    collapsed = last["collapsed_fraction"] or 0.0
    if collapsed > 0:
        said.append(
            f"The loss of {collapsed:.0%} of the samples is exactly zero in float32: they no "
            "longer train."
        )
    if len(usable) < len(entries):
        said.append(f"{len(entries) - len(usable)} of {len(entries)} checkpoints were unusable.")
    return " ".join(said)


def _numbers(entry: Mapping[str, Any]) -> str:
    named = {
        "kernel drift": entry["kernel"]["drift"],
        "distance from linearised training": entry["kernel"]["linearized_distance"],
        "from the kernel machine": entry["kernel"]["svm_distance"],
        "KKT stationarity": entry["kkt"]["stationarity"],
        "at kinks": entry["kkt"].get("clarke"),
    }
    told = [f"{name} {value:.2g}" for name, value in named.items() if value is not None]
    return f" ({', '.join(told)}; each 0 perfect, 1 unrelated.)" if told else ""


def _transition(transition: Mapping[str, Any], t_g: float | None) -> list[str]:
    said = []
    predicted, observed = transition["predicted"], transition["observed"]
    if t_g is not None:
        said.append(f"t_g = log|theta_0| / lambda = {t_g:.4g}.")
    if predicted is not None and t_g is not None:
        said.append(
            f"From the start alone, the weights are predicted to turn by 30 degrees at "
            f"{predicted:.4g} ({predicted / t_g:.2f} t_g)."
        )
    if observed is not None:
        said.append(
            f"The weights turned by 30 degrees at {observed:.4g}{_of(observed, predicted)}."
        )
    elif predicted is not None and transition["reached"] is not None:
        said.append(f"By the last checkpoint, {transition['reached']:.4g}, they had not.")
    if (rose := transition["generalised"]) is not None:
        said.append(f"Test accuracy was half-way up at {rose:.4g}{_of(rose, predicted)}.")
    if said:
        said.append("Times are steps times learning rate.")
    return said


def _of(value: float, predicted: float | None) -> str:
    return "" if predicted is None else f", {value / predicted:.2f} of the prediction"
