"""The order at which a flow leaves its lazy twin in the kernel phase: 2, or 1.

With delta = |theta - rho anchor| / |rho anchor|, the kernel turns by <grad f_j, grad f_i(theta) -
grad f_i> of order delta, and by delta^2 where an odd involution fixes the anchor; outputs follow.
A rectifier's power x_+^2 bends where its preactivation is zero, at the anchor or nearer to it than
delta: past the bend the kernel turns by delta again, whatever the symmetry.

Source: this project.
"""

from typing import Final

import numpy as np

from theory.anchors import has_odd_involution
from theory.backend import Floats
from theory.nets import HomogeneousNet
from theory.units import power_of_two, scaled

OFF: Final = 1.25
"""A turn that is off delta^2 by no more is of that order; gaps then are off it by as much."""

ROUNDING: Final = 1e-14
"""Of squared gradients."""


def lazy_order(
    net: HomogeneousNet,
    anchor: Floats,
    inputs: Floats,
    direction: Floats,
    far: float,
    near: float,
) -> int:
    """k of the gap delta^k of outputs on `inputs`, between two displacements.

    Args:
        direction: of what is learned, `(P,)`, of any length.
        far: the largest delta.
        near: the smallest.
    """
    if not has_odd_involution(net, anchor, inputs):
        return 1
    gradients = net.jacobian(anchor, inputs)
    unit = scaled(direction, -power_of_two(direction))
    unit = unit * float(np.linalg.norm(anchor) / np.linalg.norm(unit))

    def turn(displacement: float) -> float:
        turned = net.jacobian(anchor + displacement * unit, inputs) - gradients
        return float(np.abs(gradients @ turned.T).max())

    rounding = ROUNDING * float(np.linalg.norm(gradients, 2)) ** 2
    return 2 if turn(near) <= OFF * (near / far) ** 2 * turn(far) + rounding else 1
