"""Training from vanishing weights: from saddle to saddle, and one rank after the other."""

from theory.saddles.flow import jump_times, small_start_flow
from theory.saddles.greedy import GreedyPath, greedy_path, least_absolute
from theory.saddles.low_rank import beyond_leading, leading_distance, matrix_flow

__all__ = [
    "GreedyPath",
    "beyond_leading",
    "greedy_path",
    "jump_times",
    "leading_distance",
    "least_absolute",
    "matrix_flow",
    "small_start_flow",
]
