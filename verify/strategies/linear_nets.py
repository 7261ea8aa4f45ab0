"""Two-layer linear nets and deep chains, for what is known of them in closed form."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.linear_nets import TwoLayers, balanced_layers
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

BALANCES = ("balanced", "unbalanced")
DEPTHS = ("depth-3", "depth-4", "depth-5", "depth-6")
SEEDS = st.integers(0, 999)


@dataclass(frozen=True)
class WhiteTask(Record):
    """A linear net with W_2' W_2 - W_1 W_1' = balance, and a task of some rank."""

    outputs: int
    hidden: int
    inputs: int
    balance: float
    rank: int
    seed: int

    @property
    def layers(self) -> TwoLayers:
        rng = np.random.default_rng(self.seed)
        return balanced_layers(rng, self.outputs, self.hidden, self.inputs, self.balance)

    @property
    def correlation(self) -> Floats:
        """S, `(do, di)`."""
        rng = np.random.default_rng(self.seed + 1000)
        left, right = (
            rng.normal(size=(self.outputs, self.rank)),
            rng.normal(size=(self.rank, self.inputs)),
        )
        return np.asarray(left @ right / np.sqrt(self.rank))


@dataclass(frozen=True)
class ModeTask(Record):
    """A diagonal task whose strengths fall by `ratios`, and hidden units to spare."""

    ratios: tuple[float, ...]
    spare: int
    seed: int

    @property
    def strengths(self) -> Floats:
        """s_1 = 2 first."""
        return np.asarray(2.0 * np.cumprod([1.0, *self.ratios]))

    def layers(self, scale: float) -> TwoLayers:
        """Normal weights times a scale; the same weights for every scale."""
        modes = len(self.ratios) + 1
        rng, hidden = np.random.default_rng(self.seed), modes + self.spare
        return TwoLayers(
            scale * rng.normal(size=(hidden, modes)), scale * rng.normal(size=(modes, hidden))
        )


@dataclass(frozen=True)
class Chain(Record):
    """A deep scalar linear net with a task of strength s."""

    depth: int
    strength: float


@st.composite
def white_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> WhiteTask:
    """Families are those of `BALANCES`; any widths, also a task that is not of full rank."""
    most = min(5, sizes.max_width)
    outputs, inputs = draw(st.integers(1, most)), draw(st.integers(1, most))
    rank = draw(st.integers(1, min(outputs, inputs)))
    if draw(st.sampled_from(families)) == "balanced":
        return WhiteTask(outputs, draw(st.integers(1, most)), inputs, 0.0, rank, draw(SEEDS))
    balance = draw(st.sampled_from((1.0, 0.5, 1.5)))
    return WhiteTask(outputs, draw(st.integers(1, outputs)), inputs, balance, rank, draw(SEEDS))


@st.composite
def mode_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> ModeTask:
    """Two to four modes, each at most five eighths as strong as the one before."""
    del families, sizes
    ratio = st.sampled_from((0.5, 0.375, 0.625))
    ratios = draw(st.lists(ratio, min_size=1, max_size=3))
    return ModeTask(tuple(ratios), draw(st.integers(0, 3)), draw(SEEDS))


@st.composite
def chains(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Chain:
    """Families are those of `DEPTHS`."""
    del sizes
    depth = int(draw(st.sampled_from(families)).removeprefix("depth-"))
    return Chain(depth, draw(st.integers(32, 192)) / 64)
