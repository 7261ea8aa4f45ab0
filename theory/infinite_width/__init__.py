"""Wide nets: kernels of infinite width, how nets of finite width differ, what moves in training."""

from theory.infinite_width.kernels import Activation, expected_kernels, kernels
from theory.infinite_width.moments import kernel_spread, mean_shift
from theory.infinite_width.nets import drawn_kernels, drawn_layers, smoothed_kernels
from theory.infinite_width.scaling import Movement, Scaling, movement

__all__ = [
    "Activation",
    "Movement",
    "Scaling",
    "drawn_kernels",
    "drawn_layers",
    "expected_kernels",
    "kernel_spread",
    "kernels",
    "mean_shift",
    "movement",
    "smoothed_kernels",
]
