"""Homogeneous nets without weight decay: their late flow on the clock log log(1/loss)."""

from theory.homogeneous.diagonal import direction_constant, exponent, frozen_copies
from theory.homogeneous.log_flow import LateHomogeneousFlow, late_homogeneous_flow

__all__ = [
    "LateHomogeneousFlow",
    "direction_constant",
    "exponent",
    "frozen_copies",
    "late_homogeneous_flow",
]
