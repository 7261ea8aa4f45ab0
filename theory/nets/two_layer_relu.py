"""Two-layer nets of (leaky) rectifiers, and the smoothing of them that is as homogeneous as they.

With t = v.x / (d |v| |x|) and the slope a < 1 where a rectifier is off,

    s(v, x) = a v.x + (1 - a) max(v.x, 0) + (1 - a) d |v| |x| log(1 + e^-|t|),

of degree one in v for every d, since the width d |v| |x| of the bend grows with v, and analytic off
v = 0 and x = 0. It lies above the rectifier by at most (1 - a) d |v| |x| log 2, and its gradient

    [a + (1 - a) sig(t)] x + (1 - a) d |x| (log(1 + e^t) - t sig(t)) v / |v|

within (1 - a) d |x| log 2 of a point between a x and x. So theorems on smooth homogeneous nets hold
for each d > 0 as they stand, and KKT points are those of the rectifiers, in the sense of Clarke, up
to O(d); see `theory.margin.clarke`. Source: this project.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from theory.backend import Array, namespace, zeros
from theory.errors import InvalidInput
from theory.nets.activations import activation_named
from theory.nets.base import HomogeneousNet
from theory.requests import check_number, check_whole

RELU = activation_named("relu")


class Bend(NamedTuple):
    """What a smoothed rectifier is at v.x = z, of width w, each `(..., n, width)`.

    Attributes:
        excess: log(1 + e^-|t|), over the rectifier and w.
        on: sig(t), the derivative along z.
        spread: log(1 + e^t) - t sig(t), the derivative along w.
        curvature: sig'(t) / w, the second derivative along z.
    """

    t: Array
    excess: Array
    on: Array
    spread: Array
    curvature: Array


def bend(z: Array, w: Array) -> Bend:
    """`Bend` without cancellation; where w = 0 there is no x or no v, and nothing to bend."""
    xp = namespace(z)
    some = xp.where(w > 0, w, 0.0 * w + 1.0)
    t = z / some
    small = xp.exp(-abs(t))
    share = small / (1.0 + small)
    excess = xp.log1p(small)
    on = xp.where(t > 0, 1.0 - share, share)
    return Bend(t, excess, on, excess + abs(t) * share, share * (1.0 - share) / some)


@dataclass(frozen=True)
class TwoLayerReLU(HomogeneousNet):
    """f(a, V; x) = sum_m a_m s(v_m, x), of degree 2; theta is a, then the rows of V.

    Args:
        slope: of a rectifier that is off; 0 for ReLU.
        smoothing: d, the width of the bend in cosines of v and x; 0 for the kink itself.
    """

    width: int
    input_dim: int
    slope: float = 0.0
    smoothing: float = 0.0

    output_dim = 1
    degree = 2

    def __post_init__(self) -> None:
        check_whole("width", self.width)
        check_whole("input_dim", self.input_dim)
        check_number("slope", self.slope)
        check_number("smoothing", self.smoothing)
        if not 0.0 <= self.slope < 1.0:
            raise InvalidInput(f"slope is {self.slope}; it must be at least 0 and below 1")
        if not 0.0 <= self.smoothing <= 1.0:
            raise InvalidInput(f"smoothing is {self.smoothing}; it must lie between 0 and 1")

    @property
    def parameters(self) -> int:
        return self.width * (1 + self.input_dim)

    @property
    def smooth(self) -> bool:
        return self.smoothing > 0.0

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def split(self, theta: Array) -> tuple[Array, Array]:
        """The readout `(..., width)` and the hidden weights `(..., width, input_dim)`."""
        readout, hidden = theta[..., : self.width], theta[..., self.width :]
        return readout, hidden.reshape((*hidden.shape[:-1], self.width, self.input_dim))

    def widths(self, hidden: Array, inputs: Array) -> Array:
        """d |v_m| |x_i|, shape `(..., n, width)`."""
        return self.smoothing * (_lengths(inputs)[..., :, None] * _lengths(hidden)[..., None, :])

    def values(self, hidden: Array, inputs: Array) -> Array:
        """s(v_m, x_i), shape `(..., n, width)`."""
        z = inputs @ hidden.mT
        above = RELU.value(z)
        if self.smooth:
            w = self.widths(hidden, inputs)
            above = above + w * bend(z, w).excess
        return self.slope * z + (1.0 - self.slope) * above

    def outputs(self, theta: Array, inputs: Array) -> Array:
        readout, hidden = self.split(theta)
        return (self.values(hidden, inputs) @ readout[..., None])[..., 0]

    def _gradients(self, hidden: Array, inputs: Array) -> Array:
        """d s(v_m, x_i) / d v_m, shape `(..., n, width, input_dim)`."""
        z = inputs @ hidden.mT
        if not self.smooth:
            slopes = self.slope + (1.0 - self.slope) * RELU.derivative(z)
            return slopes[..., None] * inputs[..., :, None, :]
        found = bend(z, self.widths(hidden, inputs))
        slopes = self.slope + (1.0 - self.slope) * found.on
        reach = (1.0 - self.slope) * self.smoothing * _lengths(inputs)[..., :, None] * found.spread
        along = reach[..., None] * _directions(hidden)[..., None, :, :]
        return slopes[..., None] * inputs[..., :, None, :] + along

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        readout, hidden = self.split(theta)
        by_hidden = readout[..., None, :, None] * self._gradients(hidden, inputs)
        flat = by_hidden.reshape((*by_hidden.shape[:-2], self.width * self.input_dim))
        return namespace(theta).concat([self.values(hidden, inputs), flat], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        readout, hidden = self.split(theta)
        mixed = (weights[..., None, None] * self._gradients(hidden, inputs)).sum(-3)
        m, d = self.width, self.input_dim
        hessian = zeros(theta, *theta.shape, theta.shape[-1])
        blocks = self._curvature(hidden, inputs, weights) if self.smooth else None
        for k in range(m):
            rows = slice(m + k * d, m + (k + 1) * d)
            hessian[..., k, rows] = mixed[..., k, :]
            hessian[..., rows, k] = mixed[..., k, :]
            if blocks is not None:
                hessian[..., rows, rows] = readout[..., k, None, None] * blocks[..., k, :, :]
        return hessian

    def _curvature(self, hidden: Array, inputs: Array, weights: Array) -> Array:
        """sum_i weights_i d^2 s(v_m, x_i) / d v_m^2, shape `(..., width, input_dim, input_dim)`."""
        found = bend(inputs @ hidden.mT, self.widths(hidden, inputs))
        reach = self.smoothing * _lengths(inputs)[..., :, None]
        directions = _directions(hidden)
        # the second derivative of a function of degree one in (z, w) is along dz - t dw
        across = (
            inputs[..., :, None, :] - (reach * found.t)[..., None] * directions[..., None, :, :]
        )
        scaled = (weights[..., None] * found.curvature)[..., None] * across
        bent = scaled.swapaxes(-3, -2).mT @ across.swapaxes(-3, -2)
        # and that of w = d |x| |v| is what is orthogonal to v
        turning = (weights[..., None] * reach * found.spread).sum(-2) / _some(_lengths(hidden))
        identity = namespace(hidden).eye(self.input_dim, dtype=hidden.dtype)
        projector = identity - directions[..., :, None] * directions[..., None, :]
        return (1.0 - self.slope) * (bent + turning[..., None, None] * projector)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        readout, hidden = self.split(theta)
        readout_step, hidden_step = self.split(step)
        z, grown = inputs @ hidden.mT, inputs @ hidden_step.mT
        if self.smooth:
            above = self._smooth_increment(hidden, hidden_step, inputs, z, grown)
        else:
            above = RELU.increment(z, grown)
        by_hidden = self.slope * grown + (1.0 - self.slope) * above
        changed = by_hidden @ (readout + readout_step)[..., None]
        return (changed + self.values(hidden, inputs) @ readout_step[..., None])[..., 0]

    def _smooth_increment(
        self, hidden: Array, step: Array, inputs: Array, z: Array, grown: Array
    ) -> Array:
        """w log(1 + e^t) at hidden + step less that at hidden, relative to the step."""
        xp = namespace(z)
        moved = hidden + step
        before, after = self.widths(hidden, inputs), self.widths(moved, inputs)
        lengths = _some(_lengths(hidden) + _lengths(moved))
        longer = ((2.0 * hidden + step) * step).sum(-1) / lengths
        widened = self.smoothing * (_lengths(inputs)[..., :, None] * longer[..., None, :])
        old, new = bend(z, before), bend(z + grown, after)
        turned = (grown - old.t * widened) / _some(after)
        near = abs(turned) < 1.0
        short = xp.where(near, turned, 0.0 * turned)
        softplus_old, softplus_new = (RELU.value(b.t) + b.excess for b in (old, new))
        far = softplus_new - softplus_old
        risen = xp.where(near, xp.log1p(old.on * xp.expm1(short)), far)
        return widened * softplus_new + before * risen


def _lengths(rows: Array) -> Array:
    return (rows * rows).sum(-1) ** 0.5


def _some(lengths: Array) -> Array:
    """The same, 1 where there is none, for division."""
    return namespace(lengths).where(lengths > 0, lengths, 0.0 * lengths + 1.0)


def _directions(rows: Array) -> Array:
    return rows / _some(_lengths(rows))[..., None]
