"""Sizes of an instance, for histograms."""

from typing import Any

from verify.instances.flow import FlowInstance


def measures_of(instance: Any) -> dict[str, float]:
    """Numbers by their symbol: n, d, P, L, log10 alpha; none for a kind that nobody described."""
    if not isinstance(instance, FlowInstance):
        return {}
    problem = instance.problem
    return {
        "n": float(problem.samples),
        "d": float(problem.inputs.shape[1]),
        "P": float(problem.parameters),
        "L": float(problem.degree),
        "log10 alpha": float(instance.regime.log10_alpha),
    }
