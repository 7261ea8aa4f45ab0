"""Runs with a knob turned against the run itself, with what roundings can make of the gaps."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Moment, Setting, Training
from theory.lazy_rich.knobs import Knob, turned
from verify.claims.lazy_rich.plain_descent import Descent
from verify.language import Quantity
from verify.language.quantity import EPSILON

WEIGHT_FACTOR = 1.5
GROWN = 1e3
"""Outputs over labels beyond which a run has diverged: its roundings are relative to its outputs,
what is asserted is relative to the labels."""
HUGE = 1e100
"""Numbers of a diverging run are cut here, so that their squares are finite."""
APART = Quantity.of(np.ones(3), 0.0)
"""Gaps to a run that diverges where its equivalent does not: one at least."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run, and the same from weights one rounding larger or smaller: how it amplifies roundings.

    Attributes:
        rounding: of weights, outputs and loss, in the units of `gaps`, `(3,)`.
    """

    training: Training
    moments: tuple[Moment, ...]
    rounding: Floats

    @classmethod
    def of(cls, training: Training, at: Sequence[int], descent: Descent) -> "Run":
        """Raises `NumericalFailure` where the run diverges."""
        run = cls(training, tuple(descent(training, at)), np.zeros(3))
        grown = max(size(moment.residuals) for moment in run.moments) / size(training.targets)
        if not grown <= GROWN:
            raise NumericalFailure(
                f"descent diverges: outputs are {grown:.1e} times the labels, roundings likewise"
            )
        machine, found = training.committee, [_of_numbers(run)]
        for towards in (np.inf, -np.inf):
            nudged = replace(machine, weights=np.nextafter(machine.weights, towards))
            found.append(run.gaps(tuple(descent(replace(training, committee=nudged), at))))
        roundings = at[-1] * sum((machine.input_dim, machine.width, training.inputs.shape[-2]))
        return replace(run, rounding=roundings * np.max(found, axis=0))

    def gaps(
        self, others: Sequence[Moment], weights: float = 1.0, labels: float = 1.0, loss: float = 1.0
    ) -> Floats:
        """Of moments in such units, the largest difference of weights, outputs and loss, `(3,)`.

        Weights are relative to how far they moved, outputs to the labels, losses to theirs.
        """
        start, unit = self.training, self.training.targets
        found = [
            (
                size(its.committee.weights / weights - mine.committee.weights)
                / size(mine.committee.weights - start.committee.weights),
                size(its.residuals / labels - mine.residuals) / size(unit),
                size(its.train_loss / loss - mine.train_loss) / float(np.mean(unit**2)),
            )
            for mine, its in zip(self.moments, others, strict=True)
        ]
        gaps: Floats = np.max(found, axis=0)
        return gaps


def _of_numbers(run: Run) -> Floats:
    """One rounding of what is compared: nudges may happen to leave a loss as it was."""
    start, unit = run.training, size(run.training.targets)
    initial = size(start.committee.outputs(start.inputs)) if start.centred else 0.0
    found = []
    for moment in run.moments:
        weights, left = moment.committee.weights, size(moment.residuals) / unit
        outputs = 2.0 + left + initial / unit
        moved = size(weights - start.committee.weights)
        found.append((size(weights) / moved, outputs, 2.0 * left * outputs + left**2))
    rounding: Floats = EPSILON * np.max(found, axis=0)
    return rounding


@dataclass(frozen=True, eq=False)
class Knobs:
    """A run, and those with knobs turned, which depend on the powers that a theory states.

    Attributes:
        large: the run from weights 1.5 times as large; None where readouts are trained.
        known: runs that were made already.
    """

    setting: Setting
    at: tuple[int, ...]
    descent: Descent
    own: Run
    large: Run | None
    known: dict[tuple[Knob, float] | Setting, tuple[Moment, ...] | None] = field(
        default_factory=dict
    )

    @classmethod
    def measured_by(cls, descent: Descent, setting: Setting) -> "Knobs":
        training, at = Training.of([setting]), (setting.steps // 2, setting.steps)
        large = None
        if not setting.trained_readout:
            machine = training.committee
            larger = replace(machine, weights=WEIGHT_FACTOR * machine.weights)
            large = Run.of(replace(training, committee=larger), at, descent)
        return cls(setting, at, descent, Run.of(training, at, descent), large)

    def turned(self, knob: Knob, factor: float, loss_power: float) -> Quantity:
        """Gaps of weights, outputs and loss to the run with the knob turned."""
        training = turned(Training.of([self.setting]), knob, factor)
        moments = self._run((knob, factor), training)
        if moments is None:
            return APART
        units = factor**knob.weights, factor**knob.labels, factor ** (knob.labels * loss_power)
        return Quantity.of(self.own.gaps(moments, *units), self.own.rounding)

    def against(self, unit: Setting) -> Quantity:
        """Gap of outputs of `large` to the labels' signal times those of a unit setting."""
        if self.large is None:
            raise ValueError("large is None; readouts are fixed in a reduction")
        moments = self._run(unit, Training.of([unit]))
        if moments is None:
            return APART[1:2]
        gaps = self.large.gaps(moments, labels=1.0 / self.setting.signal)
        return Quantity.of(gaps[1:2], self.large.rounding[1:2])

    def _run(
        self, key: tuple[Knob, float] | Setting, training: Training
    ) -> tuple[Moment, ...] | None:
        if key not in self.known:
            self.known[key] = None
            with suppress(NumericalFailure):
                self.known[key] = tuple(self.descent(training, self.at))
        return self.known[key]


def size(array: Floats) -> float:
    return float(np.linalg.norm(np.clip(array, -HUGE, HUGE)))
