"""Dynamical mean field theory of the committee machine: D and P to infinity at fixed P / D."""

from theory.lazy_rich.dmft.causal import causal_sweep
from theory.lazy_rich.dmft.iterated import iterate
from theory.lazy_rich.dmft.mean_field import MeanField, Terms
from theory.lazy_rich.dmft.online import online
from theory.lazy_rich.dmft.order_parameters import MeanFieldSolution, OrderParameters
from theory.lazy_rich.dmft.simulation import Simulation, simulate

__all__ = [
    "MeanField",
    "MeanFieldSolution",
    "OrderParameters",
    "Simulation",
    "Terms",
    "causal_sweep",
    "iterate",
    "online",
    "simulate",
]
