"""Linear estimators by gradient flow: spectra of random data, dichotomies, times to generalise."""

from theory.estimators.dichotomies import separable_share, separable_signs
from theory.estimators.ridge import RidgeTask, time_to_generalise
from theory.estimators.spectrum import (
    SpectralCurve,
    edge,
    flow_losses,
    grokking_delay,
)

__all__ = [
    "RidgeTask",
    "SpectralCurve",
    "edge",
    "flow_losses",
    "grokking_delay",
    "separable_share",
    "separable_signs",
    "time_to_generalise",
]
