"""The max-margin programme and its optimality conditions."""

from theory.margin.clarke import ClarkeResidual, clarke_residual, smoothing_allowance
from theory.margin.kkt import KKTResidual, complementarity, kkt_residual
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin

__all__ = [
    "ClarkeResidual",
    "KKTResidual",
    "MarginOptimum",
    "clarke_residual",
    "complementarity",
    "kkt_residual",
    "l1_max_margin",
    "l2_max_margin",
    "smoothing_allowance",
]
