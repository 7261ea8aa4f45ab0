"""Dynamical mean field theory of the committee machine: D and P to infinity at fixed P / D."""

from theory.lazy_rich.dmft.causal import causal_sweep
from theory.lazy_rich.dmft.iterated import iterate
from theory.lazy_rich.dmft.mean_field import MeanField, Terms
from theory.lazy_rich.dmft.online import online
from theory.lazy_rich.dmft.order_parameters import MeanFieldSolution, OrderParameters

__all__ = [
    "MeanField",
    "MeanFieldSolution",
    "OrderParameters",
    "Terms",
    "causal_sweep",
    "iterate",
    "online",
]
