"""Weight decay: a start that shrinks, kernels that fade, and a slow walk on interpolators."""

from theory.decay.flow import decayed_flow, path_deviation
from theory.decay.limit import least_potential
from theory.decay.walk import Walk, decayed_misfit, net_flow, slow_walk
from theory.decay.wide import (
    Kernels,
    Rates,
    WideCourse,
    WideNet,
    degrees,
    mirrored,
    outputs_and_kernel,
    wide_course,
    wide_flow,
    wide_kernels,
)

__all__ = [
    "Kernels",
    "Rates",
    "Walk",
    "WideCourse",
    "WideNet",
    "decayed_flow",
    "decayed_misfit",
    "degrees",
    "least_potential",
    "mirrored",
    "net_flow",
    "outputs_and_kernel",
    "path_deviation",
    "slow_walk",
    "wide_course",
    "wide_flow",
    "wide_kernels",
]
