"""Diagonal nets from small and from large starts: how near they are to the L1 and L2 limits."""

from theory.start_scale.rates import (
    certificate,
    dense_excess,
    sparse_excess,
    support_moves,
    support_moves_at_most,
)

__all__ = [
    "certificate",
    "dense_excess",
    "sparse_excess",
    "support_moves",
    "support_moves_at_most",
]
