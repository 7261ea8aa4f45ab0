"""Hypothesis strategies that construct valid instances and shrink to readable ones.

Each takes `Sizes`: how large its instances are, and of which kinds (`verify.instances.Kind`). Those
of the profiles are in `SIZES`.
"""

from verify.strategies.nets import anchored_nets
from verify.strategies.regimes import kernel_phase_instances, late_phase_instances
from verify.strategies.sizes import SIZES, Sizes, sizes_named
from verify.strategies.tasks import problems, separable_tasks
from verify.strategies.undecayed import undecayed_instances

__all__ = [
    "SIZES",
    "Sizes",
    "anchored_nets",
    "kernel_phase_instances",
    "late_phase_instances",
    "problems",
    "separable_tasks",
    "sizes_named",
    "undecayed_instances",
]
