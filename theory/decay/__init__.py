"""Weight decay: a start that shrinks, kernels that fade, and a slow walk on interpolators."""

from theory.decay.flow import decayed_flow, path_deviation
from theory.decay.limit import least_potential
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
    "WideCourse",
    "WideNet",
    "decayed_flow",
    "degrees",
    "least_potential",
    "mirrored",
    "outputs_and_kernel",
    "path_deviation",
    "wide_course",
    "wide_flow",
    "wide_kernels",
]
