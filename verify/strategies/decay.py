"""Least squares with decay: by diagonal nets with unequal starts, by wide and by narrow nets."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.decay import (
    WideNet,
    decayed_misfit,
    degrees,
    net_flow,
    slow_walk,
    wide_course,
    wide_kernels,
)
from theory.errors import IntegrationFailed
from theory.nets import TwoLayer
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes


@dataclass(frozen=True)
class DecayedNet(Record):
    """Degree, samples, inputs beyond them, scale of the start, and the time s = lambda t."""

    degree: int
    samples: int
    spare: int
    scale: float
    s: float
    seed: int

    @property
    def rows(self) -> Floats:
        """Nearly orthogonal, of length about 1, `(n, d)`."""
        rng = np.random.default_rng(self.seed)
        size = self.samples + self.spare
        turned = np.linalg.qr(rng.normal(size=(size, size)))[0][: self.samples]
        return np.asarray(turned + 0.2 * rng.normal(size=turned.shape) / np.sqrt(size))

    @property
    def targets(self) -> Floats:
        signs = np.random.default_rng(self.seed + 1000).choice([-1.0, 1.0], self.samples)
        sizes = np.random.default_rng(self.seed + 2000).uniform(0.5, 1.5, self.samples)
        return np.asarray(signs * sizes)

    @property
    def start(self) -> tuple[Floats, Floats]:
        """a and b, unequal."""
        rng = np.random.default_rng(self.seed + 3000)
        drawn = self.scale * (1.0 + 0.5 * rng.random((2, self.samples + self.spare)))
        return drawn[0], drawn[1]


@st.composite
def decayed_nets(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> DecayedNet:
    """Families are degrees: "degree-2" and so on."""
    return DecayedNet(
        int(draw(st.sampled_from(families)).removeprefix("degree-")),
        draw(st.integers(1, max(2, sizes.max_samples // 3))),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.sampled_from((0.5, 0.75, 1.0))),
        draw(st.sampled_from((0.5, 0.75, 1.0))),
        draw(st.integers(0, 999)),
    )


WIDE_FAMILIES = ("wide-2", "wide-3")
NEURONS = 16
RANDOM_WIDTH = 1024

SMALL = 1 / 16
"""The term of order 1/m, over what it is added to, in the narrowest net that is followed."""


@dataclass(frozen=True)
class WideTask(Record):
    """Inputs of length 1 for nets of normal neurons, with decay; s as the measurement has it."""

    degree: int
    samples: int
    dimension: int
    decay: float
    s: float
    seed: int

    @property
    def rows(self) -> Floats:
        """`(n, d)`."""
        return unit_rows(self.seed, self.samples, self.dimension)

    @property
    def targets(self) -> Floats:
        return signed_targets(self.seed, self.samples)

    def net(self, neurons: int) -> WideNet:
        """Independent ones."""
        rng = np.random.default_rng([self.seed, neurons])
        hidden = rng.normal(size=(neurons, self.dimension))
        return WideNet(rng.normal(size=neurons), hidden, np.ones(neurons), self.degree)

    def next_term(self, net: WideNet, time: float, width: float) -> float:
        """What is of order 1/m in Theta and f of a net like this at a width, over what they are."""
        start, rates = wide_kernels(net, self.rows), degrees(self.degree)
        found = wide_course(net.width, start, self.targets, self.decay, time, rates, rtol=1e-6)
        moved = np.linalg.norm(found.moved, axis=1).sum() / np.linalg.norm(self.targets)
        return float(max(found.size / np.linalg.norm(start.tangent), moved) / width)


@dataclass(frozen=True)
class WideDecayed(WideTask):
    """A net of `NEURONS` that is widened, at s = lambda t."""

    @property
    def time(self) -> float:
        return self.s / self.decay

    @property
    def first(self) -> int:
        """How many times, squared, the narrowest net is widened: until what is next is `SMALL`."""
        needed = self.next_term(self.net(NEURONS), self.time, NEURONS) / SMALL
        return int(2 ** max(0, np.ceil(np.log2(needed) / 2.0)))

    @property
    def clear(self) -> bool:
        """256 times as wide is enough, and so is `RANDOM_WIDTH` at random."""
        random = self.net(RANDOM_WIDTH)
        return self.first <= 16 and self.next_term(random, self.time, RANDOM_WIDTH) <= SMALL


@dataclass(frozen=True)
class LongDecayed(WideTask):
    """The same at lambda t = s log m."""

    def time(self, width: float) -> float:
        return self.s * float(np.log(width)) / self.decay

    @property
    def first(self) -> int:
        """As in `WideDecayed`; 0 where 128 squared is not enough."""
        net = self.net(NEURONS)
        for times in 2 ** np.arange(8):
            width = float(NEURONS * times**2)
            if self.next_term(net, self.time(width), width) <= SMALL:
                return int(times)
        return 0

    @property
    def clear(self) -> bool:
        return self.first > 0


@st.composite
def wide_decayed(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> WideDecayed:
    """Families are degrees: "wide-2" and "wide-3"; the first seed from the one drawn on that is
    clear.
    """
    found = WideDecayed(
        int(draw(st.sampled_from(families)).removeprefix("wide-")),
        draw(st.integers(1, 3)),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.sampled_from((0.5, 0.25, 1.0))),
        draw(st.sampled_from((0.5, 0.75, 1.0, 1.5))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear, found)


@st.composite
def long_decayed(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> LongDecayed:
    """As `wide_decayed`."""
    found = LongDecayed(
        int(draw(st.sampled_from(families)).removeprefix("wide-")),
        draw(st.integers(1, 3)),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.sampled_from((0.5, 1.0))),
        draw(st.sampled_from((1.0, 1.5))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear, found)


WALK_FAMILIES = ("square", "cube")

SOON = 12.0
"""When a net without decay interpolates up to `LEFT`; what decay does until then is of order lambda
only where that is soon."""

LEFT = 1e-4
LEAST_EIGENVALUE = 0.5
"""Of J J' along the walk: misfits relax that fast."""


@dataclass(frozen=True)
class DecayedTwoLayer(Record):
    """A two-layer net of normal weights of a scale, inputs of length 1, and s = lambda t."""

    activation: str
    samples: int
    dimension: int
    width: int
    scale: float
    s: float
    seed: int

    @property
    def net(self) -> TwoLayer:
        return TwoLayer(self.width, self.dimension, self.activation)

    @property
    def rows(self) -> Floats:
        """`(n, d)`."""
        return unit_rows(self.seed, self.samples, self.dimension)

    @property
    def targets(self) -> Floats:
        return signed_targets(self.seed, self.samples)

    @property
    def start(self) -> Floats:
        rng = np.random.default_rng(self.seed + 2000)
        return np.asarray(self.scale * rng.normal(size=self.net.parameters))

    @property
    def clear(self) -> bool:
        """It interpolates by `SOON`, and stays with independent gradients after that.

        What decay takes off the interpolators, J^+ (y - f), is at most lambda |theta|.
        """
        net, rows, targets = self.net, self.rows, self.targets
        try:
            end = net_flow(net, rows, targets, self.start, 0.0, SOON, rtol=1e-6).tight[0]
            if np.abs(net.outputs(end, rows) - targets).max() > LEFT:
                return False
            walk = slow_walk(net, rows, targets, end, self.s, rtol=1e-6).tight
        except IntegrationFailed:
            return False
        for theta in map(walk, np.linspace(0.0, self.s, 5)):
            slopes = net.jacobian(theta, rows)
            if np.linalg.eigvalsh(slopes @ slopes.T)[0] < LEAST_EIGENVALUE:
                return False
            off = np.linalg.lstsq(slopes, decayed_misfit(net, rows, targets, theta), rcond=None)[0]
            if np.linalg.norm(off) > np.linalg.norm(theta):
                return False
        return True


def unit_rows(seed: int, samples: int, dimension: int) -> Floats:
    """Of length 1, `(n, d)`."""
    drawn = np.random.default_rng(seed).normal(size=(samples, dimension))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def signed_targets(seed: int, samples: int) -> Floats:
    """Of either sign, from 1/2 to 3/2, `(n,)`."""
    rng = np.random.default_rng(seed + 1000)
    return np.asarray(rng.choice([-1.0, 1.0], samples) * rng.uniform(0.5, 1.5, samples))


@st.composite
def decayed_two_layer(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> DecayedTwoLayer:
    """Families are activations; the first seed from the one drawn on that is clear."""
    found = DecayedTwoLayer(
        draw(st.sampled_from(families)),
        draw(st.integers(1, 3)),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.integers(2, max(2, sizes.max_width // 2))),
        draw(st.sampled_from((1.0, 0.75))),
        draw(st.sampled_from((0.5, 0.75, 1.0))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear, found)
