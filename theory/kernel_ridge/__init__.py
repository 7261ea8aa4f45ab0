"""Kernel ridge regression on random data: predicted risks, drawn ones, and an exact example."""

from theory.kernel_ridge.cube import Cube
from theory.kernel_ridge.curves import Curve, Spectrum
from theory.kernel_ridge.draws import Risks, drawn_risks

__all__ = ["Cube", "Curve", "Risks", "Spectrum", "drawn_risks"]
