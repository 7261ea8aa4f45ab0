"""Biases, which make a net partly homogeneous: what flows of it do before and after t_g.

f = f_L + sum_D f_D with f_D of degree D < L. `lag` is L - D throughout.
"""

from theory.biases.flow import BiasedState, biased_flow
from theory.biases.limits import DualCourse, followed_share, late_power, moved_dual
from theory.biases.nets import BiasedNet, LinearWithBiases, OutputBias, with_biases

__all__ = [
    "BiasedNet",
    "BiasedState",
    "DualCourse",
    "LinearWithBiases",
    "OutputBias",
    "biased_flow",
    "followed_share",
    "late_power",
    "moved_dual",
    "with_biases",
]
