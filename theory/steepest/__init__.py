"""Steepest descent in several norms, sign descent and Adam, on linearly separable data."""

from theory.steepest.adam import Adam, adam_path
from theory.steepest.descent import steepest_path
from theory.steepest.norms import dual_order, largest_direction, size, two_sample_margin

__all__ = [
    "Adam",
    "adam_path",
    "dual_order",
    "largest_direction",
    "size",
    "steepest_path",
    "two_sample_margin",
]
