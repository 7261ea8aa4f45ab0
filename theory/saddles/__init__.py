"""Training from vanishing weights: from saddle to saddle, and one rank after the other."""

from theory.saddles.flow import jump_times, small_start_flow
from theory.saddles.greedy import GreedyPath, greedy_path, least_absolute
from theory.saddles.low_rank import beyond_leading, leading_distance, matrix_flow
from theory.saddles.masked import RankOne, masked_flow, rank_one

__all__ = [
    "GreedyPath",
    "RankOne",
    "beyond_leading",
    "greedy_path",
    "jump_times",
    "leading_distance",
    "least_absolute",
    "masked_flow",
    "matrix_flow",
    "rank_one",
    "small_start_flow",
]
