"""Modular addition: learn a + b mod p from a part of all pairs, with a two-layer ReLU net.

    f(a, b) = V relu(W x(a, b)),   x one-hot,   loss: mean cross-entropy + lambda |theta|^2 / 2

trained by full-batch gradient descent from theta = alpha * anchor with V = 0 (zero output, unit
norm). Cross-entropy and its gradient are formed from differences of logits in log space, so that
training without weight decay does not stall when the loss leaves float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, log
from typing import Any

import numpy as np

from theory.backend import Array, Floats, Integers
from theory.descent.steps import StepRule, check_decay, coefficients
from theory.errors import InvalidInput, NumericalFailure
from theory.modular_addition.data import one_hot, split_pairs, sums


@dataclass(frozen=True)
class ModularTask:
    """All pairs (a, b) mod p, split at random into training and test pairs.

    Args:
        modulus: p >= 2.
        fraction: of the p^2 pairs that are trained on, in (0, 1); rounded to whole pairs.
        seed: of the split.
        shared: one embedding for both summands (x = e_a + e_b, of dimension p) instead of one for
            each (x of dimension 2p). A shared one knows that addition commutes: what is seen of
            (a, b) is seen of (b, a).

    Raises:
        InvalidInput: naming the argument.
    """

    modulus: int
    fraction: float = 0.4
    seed: int = 0
    shared: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.modulus, int) or self.modulus < 2:
            raise InvalidInput(f"modulus is {self.modulus!r}; it must be a whole number >= 2")
        if not 0 < self.fraction < 1 or self.train_pairs in (0, self.modulus**2):
            raise InvalidInput(
                f"fraction is {self.fraction!r}; it must leave pairs to train on and to test on"
            )

    @property
    def train_pairs(self) -> int:
        return round(self.fraction * self.modulus**2)

    @property
    def input_dim(self) -> int:
        return self.modulus if self.shared else 2 * self.modulus

    def split(self) -> tuple[Integers, Integers]:
        """Training and test pairs, shapes `(n, 2)` and `(m, 2)`; disjoint, together all."""
        return split_pairs(self.modulus, self.train_pairs, self.seed)

    def inputs(self, pairs: Integers) -> Floats:
        """One-hot inputs, shape `(n, input_dim)`."""
        separate = one_hot(self.modulus, pairs)
        if not self.shared:
            return separate
        return np.asarray(separate[:, : self.modulus] + separate[:, self.modulus :])

    def sums(self, pairs: Integers) -> Integers:
        """a + b mod p, shape `(n,)`."""
        return sums(self.modulus, pairs)


@dataclass(frozen=True)
class ModularRun:
    """One run of a batch: |theta(0)| = alpha, weight decay >= 0, step rule, seed of the weights."""

    alpha: float
    decay: float
    step: StepRule
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < inf:
            raise InvalidInput(f"alpha is {self.alpha!r}; it must be positive and finite")
        check_decay(self.step, self.decay, 0.0)


@dataclass(frozen=True, eq=False)
class ModularState:
    """Where B runs are: all that is needed to go on, as numpy arrays.

    Attributes:
        readout: V, shape `(B, p, width)`.
        hidden: W, shape `(B, width, input_dim)`.
        log_times: natural log of t, shape `(B,)`.
        step: steps taken.
        history: recorded columns, each `(R, B)`; see `RECORDED`.
    """

    readout: Floats
    hidden: Floats
    log_times: Floats
    step: int
    history: dict[str, Floats] = field(default_factory=dict)


RECORDED = ("step", "log_time", "log_loss", "train_accuracy", "test_accuracy", "norm", "margin")
"""margin: the smallest f_y - max_(j != y) f_j over training pairs, divided by |theta|^2."""


def initial_state(
    task: ModularTask, width: int, runs: Sequence[ModularRun], precision: str = "float32"
) -> ModularState:
    """V = 0 and Gaussian W of norm alpha: zero output, on the scale of each run."""
    if not runs:
        raise InvalidInput("runs is empty; give at least one")
    if width < 1:
        raise InvalidInput(f"width is {width}; it must be at least 1")
    if precision not in ("float32", "float64"):
        raise InvalidInput(f"precision is {precision!r}; allowed are float32, float64")
    hidden = []
    for run in runs:
        weights = np.random.default_rng(run.seed).standard_normal((width, task.input_dim))
        hidden.append(run.alpha * weights / np.linalg.norm(weights))
    readout = np.zeros((len(runs), task.modulus, width))
    empty = np.full(len(runs), -inf)
    return ModularState(readout.astype(precision), np.array(hidden).astype(precision), empty, 0)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Logits against the right one, float64: all that loss and gradient need.

    Attributes:
        differences: f_j - f_y, `(B, n, p)`, -inf at j = y.
        log_odds: log sum_(j != y) exp(f_j - f_y), `(B, n)`.
    """

    differences: Array
    log_odds: Array

    def log_loss(self) -> Array:
        """log of the mean over samples of log(1 + exp(log_odds)), shape `(B,)`."""
        import torch

        u = self.log_odds
        exact = torch.nn.functional.softplus(u.clamp(min=-30.0)).log()
        # log(1 + e^u) = e^u (1 + O(e^u)), and e^-30 is below rounding of the logarithm
        return torch.where(u < -30.0, u, exact).logsumexp(-1) - log(u.shape[-1])

    def gradient(self, log_scale: Array, labels: Array) -> Array:
        """exp(log_scale) d loss / d f, shape `(B, n, p)`; `log_scale` is `(B, 1)`."""
        import torch

        softplus = torch.nn.functional.softplus
        wrong = log_scale - softplus(self.log_odds)
        right = -(log_scale - softplus(-self.log_odds)).exp()
        slopes = (self.differences + wrong[..., None]).exp()
        index = labels.expand(self.log_odds.shape)[..., None]
        return slopes.scatter(-1, index, right[..., None])


class _Program:
    """Data and steps on a device."""

    def __init__(
        self, task: ModularTask, runs: Sequence[ModularRun], precision: str, device: str
    ) -> None:
        import torch

        self.dtype, self.runs = getattr(torch, precision), runs

        def tensor(values: Any, dtype: Any) -> Array:
            return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)

        self.tensor = tensor
        pairs = task.split()
        self.inputs = [tensor(task.inputs(part), self.dtype) for part in pairs]
        self.labels = [tensor(task.sums(part), torch.int64) for part in pairs]
        self.decay = tensor([run.decay for run in runs], torch.float64)
        rules = np.array([coefficients(run.step) for run in runs])
        self.rule = [tensor(column, torch.float64) for column in rules.T]

    def gaps(self, logits: Array, labels: Array) -> _Gaps:
        import torch

        logits = logits.double()
        index = labels.expand(logits.shape[:-1])[..., None]
        differences = (logits - torch.gather(logits, -1, index)).scatter(-1, index, -inf)
        return _Gaps(differences, differences.logsumexp(-1))

    def step(self, readout: Array, hidden: Array) -> tuple[Array, Array, Array]:
        """The next weights and log h."""
        pre = self.inputs[0] @ hidden.mT
        units = pre.relu()
        gaps = self.gaps(units @ readout.mT, self.labels[0])
        offset, by_loss, by_norm, limit = self.rule
        free = offset - by_loss * gaps.log_loss() - by_norm * _log_norm(readout, hidden)
        log_step = free.minimum(limit)
        scale = (log_step - log(len(self.labels[0])))[:, None]
        slopes = gaps.gradient(scale, self.labels[0]).to(self.dtype)
        kept = (1.0 - (log_step + self.decay.log()).exp()).to(self.dtype)[:, None, None]
        back = (slopes @ readout) * (pre > 0)
        return (
            kept * readout - slopes.mT @ units,
            kept * hidden - back.mT @ self.inputs[0],
            log_step,
        )

    def measure(self, readout: Array, hidden: Array, log_time: Array, step: int) -> list[Floats]:
        """One row of each of `RECORDED`."""
        found = []
        for inputs, labels in zip(self.inputs, self.labels, strict=True):
            gaps = self.gaps((inputs @ hidden.mT).relu() @ readout.mT, labels)
            worst = -gaps.differences.amax(-1)
            found.append((gaps.log_loss(), (worst > 0).double().mean(-1), worst.amin(-1)))
        (log_loss, train, margin), (_, test, _) = found
        norm = _log_norm(readout, hidden).exp()
        count = log_loss.new_full(log_loss.shape, float(step))
        columns = (count, log_time, log_loss, train, test, norm, margin / norm.square())
        return [np.asarray(column.cpu().numpy(), dtype=np.float64) for column in columns]


def _log_norm(readout: Array, hidden: Array) -> Array:
    squares = readout.double().square().sum((-1, -2)) + hidden.double().square().sum((-1, -2))
    return squares.log() / 2


def advance(
    task: ModularTask,
    runs: Sequence[ModularRun],
    state: ModularState,
    steps: int,
    *,
    record_every: int = 20,
    device: str = "cpu",
) -> ModularState:
    """Take `steps` more steps of all runs in one program; the precision is that of the state.

    Records at every step number divisible by `record_every`, before taking it.

    Raises:
        InvalidInput: no steps, or a state of another number of runs.
        NumericalFailure: a run whose loss is no longer finite; its step rule is named.
    """
    import torch

    if steps < 1 or record_every < 1:
        raise InvalidInput(f"steps is {steps}, record_every {record_every}; both must be >= 1")
    if len(state.readout) != len(runs):
        raise InvalidInput(f"state holds {len(state.readout)} runs; runs has {len(runs)}")
    program = _Program(task, runs, state.hidden.dtype.name, device)
    readout = program.tensor(state.readout, program.dtype)
    hidden = program.tensor(state.hidden, program.dtype)
    log_time = program.tensor(state.log_times, torch.float64)
    rows: list[list[Floats]] = []
    for step in range(state.step, state.step + steps):
        if step % record_every == 0:
            rows.append(program.measure(readout, hidden, log_time, step))
            _check_finite(rows[-1][2], runs, step)
        readout, hidden, log_step = program.step(readout, hidden)
        log_time = log_time.logaddexp(log_step)
    last = program.measure(readout, hidden, log_time, state.step + steps)
    _check_finite(last[2], runs, state.step + steps)
    history = {name: np.array([row[k] for row in rows]) for k, name in enumerate(RECORDED)}
    if state.history and rows:
        history = {name: np.concatenate([state.history[name], history[name]]) for name in RECORDED}
    return replace(
        state,
        readout=readout.cpu().numpy(),
        hidden=hidden.cpu().numpy(),
        log_times=log_time.cpu().numpy(),
        step=state.step + steps,
        history=history if rows else state.history,
    )


def _check_finite(log_loss: Floats, runs: Sequence[ModularRun], step: int) -> None:
    bad = np.flatnonzero(~np.isfinite(log_loss))
    if bad.size:
        run = runs[int(bad[0])]
        raise NumericalFailure(
            f"unstable step: the loss of run {int(bad[0])} is not finite at step {step} with "
            f"{run.step}, alpha {run.alpha:g}, decay {run.decay:g}; take a smaller step"
        )


def crossing_time(log_times: Floats, values: Floats, level: float) -> float:
    """log t at which `values` first stays at or above `level`, linear in t between records.

    +inf where it never does. All arrays `(R,)`.
    """
    below = np.flatnonzero(values < level)
    if below.size == 0:
        return float(log_times[0])
    last = int(below[-1])
    if last + 1 >= len(values):
        return inf
    share = (level - values[last]) / (values[last + 1] - values[last])
    before, after = np.exp(log_times[last : last + 2] - log_times[last + 1])
    return float(log_times[last + 1] + np.log(before + share * (after - before)))
