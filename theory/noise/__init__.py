"""Steps and noise of gradient descent on diagonal nets w = u^2 - v^2: what they do to its limit."""

from theory.noise.chains import label_noise, mean_squared_gradients
from theory.noise.descent import Descent, DiagonalTask, descend, squared_gradients_of_flow
from theory.noise.interpolation import interpolation

__all__ = [
    "Descent",
    "DiagonalTask",
    "descend",
    "interpolation",
    "label_noise",
    "mean_squared_gradients",
    "squared_gradients_of_flow",
]
