"""The softmax cross entropy in a format of P bits: where it is exactly zero, and what moves on."""

from theory.softmax.bounds import loss_bounds, mean_cross_entropy
from theory.softmax.collapse import Format, collapse_gap, cross_entropy, largest_gap

__all__ = [
    "Format",
    "collapse_gap",
    "cross_entropy",
    "largest_gap",
    "loss_bounds",
    "mean_cross_entropy",
]
