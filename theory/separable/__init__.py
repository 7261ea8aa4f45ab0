"""Logistic regression on separable data: its flow in log t, and what it tends to."""

from theory.separable.flow import SeparableFlow, separable_flow
from theory.separable.limits import (
    entropy_gap,
    orthogonal_growth,
    residual_in_span,
)

__all__ = [
    "SeparableFlow",
    "entropy_gap",
    "orthogonal_growth",
    "residual_in_span",
    "separable_flow",
]
