"""The max-margin programme and its optimality conditions."""

from theory.margin.kkt import KKTResidual, complementarity, kkt_residual

__all__ = ["KKTResidual", "complementarity", "kkt_residual"]
