"""One formula, two array libraries: what is written with `namespace(x)` runs on numpy and torch.

The nets write each of their formulas once, over leading batch dimensions, and the SciPy and the
batched torch integrators share them.
"""

import sys
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""A numpy array or a torch tensor; results are of the kind of the arguments."""

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]


def namespace(array: Array) -> ModuleType:
    """The module (`numpy` or `torch`) whose functions apply to `array`."""
    if isinstance(array, np.ndarray):  # first, as torch takes a microsecond to say no
        return np
    torch = sys.modules.get("torch")  # a tensor can exist only once torch has been imported
    return torch if torch is not None and isinstance(array, torch.Tensor) else np


def at_most(array: Array, ceiling: float) -> Array:
    """min(x, ceiling); `np.clip` takes several times as long for the few numbers of one flow."""
    if isinstance(array, np.ndarray):
        return np.minimum(array, ceiling)
    return array.clip(max=ceiling)


def zeros(like: Array, *shape: int) -> Array:
    """Zeros of the given shape, of the library, dtype and device of `like`."""
    if isinstance(like, np.ndarray):
        return np.zeros(shape, dtype=like.dtype)
    return like.new_zeros(shape)
