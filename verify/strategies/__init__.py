"""Hypothesis strategies that construct valid instances and shrink to readable ones."""

from verify.strategies.nets import anchored_nets
from verify.strategies.regimes import kernel_phase_instances, late_phase_instances
from verify.strategies.tasks import problems, separable_tasks
from verify.strategies.undecayed import undecayed_instances
from verify.strategies.violations import violating

__all__ = [
    "anchored_nets",
    "kernel_phase_instances",
    "late_phase_instances",
    "problems",
    "separable_tasks",
    "undecayed_instances",
    "violating",
]
