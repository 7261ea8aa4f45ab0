"""Two-layer nets with weight decay in the scaling of the tangent kernel: how the kernel decays.

f(x) = m^(-1/2) sum_k a_k (w_k.x)^(D-1), of degree D, on |f - y|^2 / 2 with decay lambda. Along
phi = e^(lambda t) theta the decay is gone and the slope of the loss is weighed by
e^(-(D-2) lambda t), so that at a fixed time, m to infinity,

    Theta(t) = e^(-2(D-1) lambda t) (Theta(0) + c(t) / m + O(m^-2)),
    f' = -e^(-2(D-1) lambda t) Theta(0) (f - y) - D lambda f + O(1/m),

after Lewkowycz and Gur-Ari (2020). The coefficient is that of the hierarchy of tangent kernels,
O3 = V_k Theta and O4 = V_l V_k Theta with V_k the derivative along grad f_k: c' = -m e^(-(D-2)
lambda t) (O3 - O4.R) (f - y), R' = e^(-(D-2) lambda t) (f - y), as O5 is of order m^-2.
"""

from dataclasses import dataclass
from math import perm
from typing import Final, NamedTuple

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import PlainFlow, plain_flow
from theory.requests import check_whole, finite_numbers

_STEP: Final = 1e-30
"""Along the imaginary axis, where a derivative loses nothing."""


@dataclass(frozen=True, eq=False)
class WideNet:
    """Neurons of which each is there several times.

    Attributes:
        readout: a, `(c,)`.
        hidden: w, `(c, d)`.
        copies: of each, `(c,)`; the width m is their sum.
        degree: D, at least 2.

    Raises:
        InvalidInput: the degree is no whole number from 2 on; shapes do not fit.
    """

    readout: Floats
    hidden: Floats
    copies: Floats
    degree: int

    def __post_init__(self) -> None:
        check_whole("degree", self.degree, 2)
        count = self.hidden.shape[:1]
        if self.hidden.ndim != 2 or not self.readout.shape == self.copies.shape == count:
            raise InvalidInput(
                f"readout, hidden and copies have shapes {self.readout.shape}, "
                f"{self.hidden.shape} and {self.copies.shape}; allowed are (c,), (c, d) and (c,)"
            )

    @property
    def width(self) -> float:
        return float(self.copies.sum())

    @property
    def theta(self) -> Floats:
        """Readout, then hidden weights row by row, `(c (1 + d),)`."""
        return np.concatenate([self.readout, self.hidden.ravel()])

    def at(self, theta: Floats) -> "WideNet":
        """The same neurons at other weights."""
        size = len(self.readout)
        hidden = theta[size:].reshape(self.hidden.shape)
        return WideNet(theta[:size], hidden, self.copies, self.degree)


def mirrored(net: WideNet, times: int) -> WideNet:
    """Wider by times^2, with (times^2 - times) / 2 of the copies having the sign of a turned.

    Sums that are odd in a then grow by the factor `times` alone: f, Theta, m O3 and m O4 stay.

    Raises:
        InvalidInput: times are no whole number from 1 on.
    """
    check_whole("times", times)
    plus, minus = (times**2 + times) / 2.0, (times**2 - times) / 2.0
    if minus == 0.0:
        return net
    return WideNet(
        np.concatenate([net.readout, -net.readout]),
        np.concatenate([net.hidden, net.hidden]),
        np.concatenate([plus * net.copies, minus * net.copies]),
        net.degree,
    )


class Kernels(NamedTuple):
    """f `(n,)`, Theta `(n, n)`, O3 `(n, n, n)` and O4 `(n, n, n, n)` of a net on n inputs."""

    outputs: Floats
    tangent: Floats
    third: Floats
    fourth: Floats


def wide_kernels(net: WideNet, inputs: Floats) -> Kernels:
    """Of inputs `(n, d)`; the last index of O3 and O4 is that of the last derivative."""
    root, gram = np.sqrt(net.width), inputs @ inputs.T
    before = net.hidden @ inputs.T
    along_a, along_h = _directions(net, net.readout, before, gram, root)
    # analytic in the weights, so that an imaginary step has O4 as its imaginary part
    fourth = [
        _third(
            net,
            net.readout + 1j * _STEP * along_a[:, each],
            before + 1j * _STEP * along_h[:, :, each],
            gram,
        ).imag
        / _STEP
        for each in range(len(inputs))
    ]
    return Kernels(
        *outputs_and_kernel(net, inputs),
        np.asarray(_third(net, net.readout, before, gram).real),
        np.stack(fourth, axis=-1),
    )


def outputs_and_kernel(net: WideNet, inputs: Floats) -> tuple[Floats, Floats]:
    """f `(n,)` and Theta `(n, n)`."""
    before, counts = net.hidden @ inputs.T, net.copies[:, None]
    value, slope = _power(before, net.degree, 0), _power(before, net.degree, 1)
    felt = net.readout[:, None] * slope
    tangent = (counts * value).T @ value + (counts * felt).T @ felt * (inputs @ inputs.T)
    return (net.copies * net.readout) @ value / np.sqrt(net.width), tangent / net.width


def _power(before: Floats, degree: int, order: int) -> Floats:
    """A derivative of z^(D-1)."""
    if order > degree - 1:
        return np.zeros_like(before)
    return np.asarray(perm(degree - 1, order) * before ** (degree - 1 - order))


def _directions(
    net: WideNet, readout: Floats, before: Floats, gram: Floats, root: float
) -> tuple[Floats, Floats]:
    """What grad f_k does to a, `(c, k)`, and to w.x_i, `(c, i, k)`."""
    felt = readout[:, None] * _power(before, net.degree, 1)
    return _power(before, net.degree, 0) / root, felt[:, None, :] * gram / root


def _third(net: WideNet, readout: Floats, before: Floats, gram: Floats) -> Floats:
    value, slope, bend = (_power(before, net.degree, order) for order in range(3))
    along_a, along_h = _directions(net, readout, before, gram, np.sqrt(net.width))
    weights = net.copies / net.width
    moved = np.einsum("c,cik,cj->ijk", weights, slope[:, :, None] * along_h, value)
    square = weights * readout**2
    turned = np.einsum("c,cik,cj->ijk", square, bend[:, :, None] * along_h, slope)
    grown = np.einsum("c,ck,ci,cj->ijk", 2.0 * weights * readout, along_a, slope, slope)
    half = moved + turned * gram[:, :, None]
    return np.asarray(half + half.swapaxes(0, 1) + grown * gram[:, :, None])


def wide_flow(
    net: WideNet,
    inputs: Floats,
    targets: Floats,
    decay: float,
    time: float,
    *,
    rtol: float = 1e-12,
    undecayed: bool = False,
    readout_alone: bool = False,
) -> PlainFlow:
    """Weights at one time, `(1, c (1 + d))`.

    Args:
        undecayed: follow e^(lambda t) theta, without decay; the result is theta all the same.
        readout_alone: decay the readout alone: another world.

    Raises:
        InvalidInput: targets are not `(n,)` finite numbers.
        IntegrationFailed: see `plain_flow`.
    """
    targets = finite_numbers("targets", targets, (len(inputs),))
    size, degree, root = len(net.readout), net.degree, np.sqrt(net.width)
    falls = np.full(len(net.theta), decay)
    if readout_alone:
        falls[size:] = 0.0

    def pull(theta: Floats, shrunk: float) -> Floats:
        readout, hidden = theta[:size], theta[size:].reshape(net.hidden.shape)
        before = hidden @ inputs.T
        value, slope = _power(before, degree, 0), _power(before, degree, 1)
        misfit = shrunk * (net.copies * readout) @ value / root - targets
        by_hidden = (readout[:, None] * slope * misfit) @ inputs
        return np.asarray(np.concatenate([value @ misfit, by_hidden.ravel()]) / root)

    def field(now: float, theta: Floats) -> Floats:
        if undecayed:
            share = np.exp(-decay * now)
            return np.asarray(-(share ** (degree - 2)) * pull(theta, share**degree))
        return np.asarray(-pull(theta, 1.0) - falls * theta)

    flow = plain_flow(field, net.theta, [time], rtol=rtol)
    if not undecayed:
        return flow
    last = np.exp(-decay * time)
    return PlainFlow(flow.times, last * flow.tight, last * flow.loose)


class Rates(NamedTuple):
    """What f, Theta, O3 and O4 decay with, over lambda: their degrees in theta."""

    outputs: float
    tangent: float
    third: float
    fourth: float


def degrees(degree: int) -> Rates:
    """D, 2(D-1), 3D-4 and 4D-6: each derivative along a gradient adds D - 2."""
    return Rates(degree, 2 * degree - 2, 3 * degree - 4, 4 * degree - 6)


@dataclass(frozen=True, eq=False)
class WideCourse:
    """The limit m to infinity at one time, and what comes next in 1/m.

    Attributes:
        outputs: f, `(n,)`.
        third, fourth: c = third + fourth, `(n, n)`: what O3(0) and O4 contribute.
        moved: the coefficient of 1/m in f by either of them, `(2, n)`.
    """

    outputs: Floats
    third: Floats
    fourth: Floats
    moved: Floats

    @property
    def size(self) -> float:
        """|third| + |fourth|, in which the two do not cancel."""
        return float(np.linalg.norm(self.third) + np.linalg.norm(self.fourth))


def wide_course(
    width: float,
    kernels: Kernels,
    targets: Floats,
    decay: float,
    time: float,
    rates: Rates,
    *,
    pull: float = 0.0,
    rtol: float = 1e-10,
) -> WideCourse:
    """From the kernels at the start of a net of that width.

    Args:
        rates: `degrees(D)` if the theorem is right.
        pull: decay of f by pull lambda f(0) besides, as in the net that is linearised at its start.

    Raises:
        InvalidInput: targets are not `(n,)` finite numbers.
        IntegrationFailed: see `plain_flow`.
    """
    targets = finite_numbers("targets", targets, kernels.outputs.shape)
    size = len(targets)
    start, tangent = kernels.outputs, kernels.tangent
    third, fourth = (width * each.reshape(size**2, size, -1) for each in kernels[2:])
    ends = np.cumsum([size, size, size**2, size**2, size])
    square = size, size

    def field(now: float, state: Floats) -> Floats:
        outputs, gathered, by_third, by_fourth, moved, moved_by_fourth = np.split(state, ends)
        misfit = outputs - targets
        shrunk, faster, felt = np.exp(decay * now * exponents)
        weighed = felt * misfit
        slopes = [
            -shrunk * tangent @ misfit - decay * (rates.outputs * outputs + pull * start),
            faster * misfit,
            -(third[:, :, 0] @ weighed),
            fourth @ gathered @ weighed,
        ]
        for shift, by in ((moved, by_third), (moved_by_fourth, by_fourth)):
            pushed = tangent @ shift + by.reshape(square) @ misfit
            slopes.append(-shrunk * pushed - rates.outputs * decay * shift)
        return np.concatenate(slopes)

    exponents = np.array([-rates.tangent, rates.third - rates.fourth, rates.tangent - rates.third])
    begin = np.concatenate([start, np.zeros(3 * size + 2 * size**2)])
    flow = plain_flow(field, begin, [time], rtol=rtol)
    outputs, _, by_third, by_fourth, moved, moved_by_fourth = np.split(flow.tight[0], ends)
    return WideCourse(
        outputs,
        by_third.reshape(square),
        by_fourth.reshape(square),
        np.array([moved, moved_by_fourth]),
    )
