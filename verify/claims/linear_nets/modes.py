"""When each mode is half learned, from random weights of four scales."""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.linear_nets import half_times, mode_starts, mode_times
from verify.language import Ladder, Measurement, Quantity, in_words
from verify.strategies.linear_nets import ModeTask, mode_tasks

SCALES = np.array([1e-2, 1e-3, 1e-4, 1e-5, 1e-6])

SMALL = 0.1
"""Of |t - predicted| s, from which on its order shows: at .3 and .18 two rungs of one instance of
300 calibrated a constant that then was 1.6 times too small."""


@dataclass(frozen=True, eq=False)
class ModeTimes:
    """The instance and its times `(5, modes)` at each of `SCALES`, at two tolerances."""

    task: ModeTask
    tight: Floats
    loose: Floats

    @property
    def order(self) -> float:
        """2 (1 - s_(k+1) / s_k) of the closest strengths.

        As mode k is learned the next has size scale^(1 - s_(k+1) / s_k), and acts by its square.
        """
        return 2.0 * (1.0 - max(self.task.ratios))

    def ladder(self, predicted: Floats) -> Ladder:
        """The largest |t_k - predicted| s_k over modes, by scale."""
        off = Quantity.paired(
            lambda times: (np.abs(times - predicted) * self.task.strengths).max(axis=1),
            self.tight,
            self.loose,
            0.0,
        )
        floor = 1e-8 * (self.tight * self.task.strengths).max(axis=1)
        return Ladder.of("|t - predicted| s", "scale of weights", SCALES, off.no_finer(floor))


def small_part(ladder: Ladder) -> Ladder:
    """From the first rung that is `SMALL`; the last three where none is."""
    small = np.append(np.flatnonzero(ladder.measured.values <= SMALL), len(SCALES))
    return ladder.part(slice(min(int(small[0]), len(SCALES) - 3), None))


def measure(task: ModeTask, slow: float = 1.0) -> ModeTimes:
    """Times by integration; in a wrong world time runs by a factor slower."""
    strengths, modes = task.strengths, len(task.strengths)

    def times(rtol: float) -> Floats:
        found = []
        for scale in SCALES.tolist():
            layers = task.layers(scale)
            horizon = 3.0 * mode_times(strengths, mode_starts(layers, modes)).max()
            found.append(slow * half_times(layers, strengths, float(horizon), rtol=rtol))
        return np.array(found)

    return ModeTimes(task, times(1e-9), times(1e-7))


MODES = Measurement(
    "mode-times",
    ModeTask,
    ("random-weights",),
    mode_tasks,
    measure,
    in_words(
        "two layers",
        "white inputs",
        "small random weights",
        "strengths apart by 3/8 at least",
        "as many hidden units as modes",
    ),
    sabotaged={"a time that runs 1 % slower": lambda task: measure(task, 1.01)},
)
