"""Unconstrained features: the last layer with the features themselves as variables."""

from theory.features.closed import CollapsedOptimum, cross_entropy_optimum, squared_optimum
from theory.features.descent import FeatureTask, Minimum, minimise

__all__ = [
    "CollapsedOptimum",
    "FeatureTask",
    "Minimum",
    "cross_entropy_optimum",
    "minimise",
    "squared_optimum",
]
