"""Train and test losses over time: of networks or exact ones, and those of the mean field theory.

Most of what populations and networks scatter by is the size of their labels. It is known exactly
where training starts, and taken off as a control variate.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import MeanField, causal_sweep, iterate, online, simulate
from theory.lazy_rich.linear_net import linear_curves
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words
from verify.strategies.committee_dmft import FAMILIES, dmft_instances

FINITE_DIMENSION = 10.0
"""What the finite dimension may make of a loss, times D: twice the train loss's 5 % at D = 100, 3 %
at 160 and 2 % at 200."""

LINEAR, ONLINE = 0.005, 1e-5
"""Relative deviations that are allowed from exact curves; see the claim's tolerances."""

TRAINED_ON = 160_000
"""Samples of all runs of a simulation together."""

LARGE, CONTROLLED, SMALL, TINY = (2048, 8), (1024, 8), (192, 4), (128, 1)
"""Samples and runs: for the theory, and where the size of labels is taken off; for what others
differ from it by, and for its two solvers on the same noise."""

MANY = 1e4
"""Sample ratios beyond this are judged by online learning, which is exact, and whose order
parameters populations of any size have."""

SHORT = 12
"""Steps over which the solvers are compared: later the covariance of the pushes is singular to
rounding, and the two, which factor it differently, no longer draw the same noise."""

STANDARD_ERRORS = 4.0
"""How many of them two means may differ by: exceeded by chance once in 15 000 times where many runs
estimate them, once in 190 where only the 8 of the solver do; those are allowed a bias besides."""


@dataclass(frozen=True, eq=False)
class Losses:
    """Of single runs, train and test `(2, runs, T+1)`, with what they scatter along.

    Attributes:
        scatter: of each run, `(runs,)`, less what it is on average; None where nothing is known.
    """

    values: Floats
    scatter: Floats | None = None

    def less(self, other: "Losses") -> "Losses":
        """Run by run: both are of the same noise."""
        return Losses(self.values - other.values, other.scatter)

    def means(self) -> tuple["Mean", "Mean"]:
        """Of train and test losses."""
        return Mean.of(self.values[0], self.scatter), Mean.of(self.values[1], self.scatter)


@dataclass(frozen=True, eq=False)
class Mean:
    """Values with their standard errors at the times 0, ..., T."""

    values: Floats
    errors: Floats

    @classmethod
    def of(cls, samples: Floats, scatter: Floats | None = None) -> "Mean":
        """Over runs `(runs, T+1)`; a single run has no error."""
        runs, free = len(samples), 1
        if runs == 1:
            return cls(samples[0], 0.0 * samples[0])
        if scatter is not None:
            around = scatter - scatter.mean()
            samples = samples - np.outer(scatter, around @ samples / (around @ around))
            free = 2
        errors = samples.std(axis=0, ddof=1) * np.sqrt((runs - 1.0) / ((runs - free) * runs))
        return cls(samples.mean(axis=0), errors)

    def plus(self, other: "Mean") -> "Mean":
        return Mean(self.values + other.values, np.hypot(self.errors, other.errors))

    def apart(self, other: "Mean") -> Quantity:
        """|other / self - 1| at a quarter, a half and all of the time."""
        last = len(self.values) - 1
        times = np.array((last // 4, last // 2, last))
        value = self.values[times]
        joint = np.hypot(self.errors[times], other.errors[times])
        gap = np.abs(other.values[times] / value - 1.0)
        return Quantity.of(gap, STANDARD_ERRORS * joint / np.abs(value))


Curves = tuple[Mean, Mean]
"""Of train and test loss."""


def solve(problem: MeanField, size: tuple[int, int], one_loss: bool = False) -> Losses | None:
    """The losses of populations of a size; None where their numbers overflow."""
    if problem.sample_ratio == inf:
        test = online(problem).test.numpy()[None]
        return Losses(np.stack([test, test]))
    try:
        found = causal_sweep(problem, *size)
    except NumericalFailure:
        return None
    train = found.test_losses if one_loss else found.train_losses
    losses = np.stack([train.numpy(), found.test_losses.numpy()]).astype(np.float64)
    if problem.curvature > 0 or size[1] < 3:
        return Losses(losses)
    # a linear machine only feels the size of its labels: E g^2 of the first pushes
    pushes = found.order.noise[:, 0, 0, 0, 0].numpy().astype(np.float64)
    return Losses(losses, pushes - float(online(problem).order.noise[0, 0, 0, 0, 0]))


@dataclass(frozen=True, eq=False)
class Compared:
    """One instance: a reference, and the theory's curves.

    Attributes:
        allowed: the deviation that is allowed.
        exact: the reference is, else it is simulated.
        predicted: by the theory, from large populations; None where they overflow.
        small: the same from populations of the size `size`, by run.
        solved, iterated: by both solvers on the same noise, where there is some.
    """

    truth: MeanField
    allowed: float
    exact: bool
    reference: Curves
    predicted: Curves | None
    small: Losses | None
    size: tuple[int, int]
    solved: Curves | None
    iterated: Curves | None

    def shifted(self, found: Losses | None) -> Curves | None:
        """The prediction of another theory that small populations have found, by what it differs
        from the true one on the same noise: most of their error is not in the difference."""
        if found is None or self.predicted is None or self.small is None:
            return None
        train, test = found.less(self.small).means()
        return self.predicted[0].plus(train), self.predicted[1].plus(test)


def measure(instance: CommitteeInstance, observed: CommitteeInstance | None = None) -> Compared:
    """Simulate or solve `observed` exactly, the instance itself if None, and solve the theory."""
    truth = MeanField.of(instance.setting)
    exact = truth.curvature == 0 or truth.sample_ratio >= MANY
    allowed, reference = _reference((observed or instance).setting, exact)
    large, small = (LARGE if truth.curvature > 0 else CONTROLLED, SMALL)
    if truth.sample_ratio >= MANY:
        large = small = TINY
    solution, short = solve(truth, large), replace(truth, steps=SHORT)
    noisy = truth.sample_ratio < MANY
    solved = solve(short, TINY) if noisy else None
    return Compared(
        truth,
        allowed,
        exact,
        reference,
        None if solution is None else solution.means(),
        solve(truth, small),
        small,
        None if solved is None else solved.means(),
        _iterated(short) if noisy else None,
    )


def _iterated(problem: MeanField) -> Curves | None:
    """By the other solver; None where its iterations do not converge.

    Undamped they settle a step each, unless later ones overflow meanwhile.
    """
    for damping in (1.0, 0.5, 0.25):
        with suppress(NumericalFailure):
            found = iterate(problem, TINY[0], damping=damping)
            both = np.stack([found.train_losses.numpy(), found.test_losses.numpy()])
            return Losses(both.astype(np.float64)).means()
    return None


def _reference(setting: Setting, exact: bool) -> tuple[float, Curves]:
    truth = MeanField.of(setting)
    if exact and setting.curvature > 0:
        test = online(truth).test.numpy()
        return ONLINE, Losses(np.stack([test[None], test[None]])).means()
    if exact:
        linear = linear_curves(truth)
        return LINEAR, Losses(np.stack([linear.train[None], linear.test[None]])).means()
    found = simulate(setting, max(TRAINED_ON // setting.samples, 3))
    train, test = found.train_losses.numpy(), found.test_losses.numpy()
    # all runs start with the same test loss, of which the first train loss is a sample
    return FINITE_DIMENSION / setting.input_dim, (
        Mean.of(train, train[:, 0] - test[:, 0].mean()),
        Mean.of(test),
    )


def _louder(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(signal=1.1 * instance.setting.signal)


MEAN_FIELD_CURVES = Measurement(
    "mean-field-curves",
    CommitteeInstance,
    FAMILIES,
    dmft_instances,
    measure,
    in_words(
        "D and P large at fixed P/D, here D = 160",
        "readouts fixed at 1 and a quadratic activation",
        "given overlaps of the initial weights",
        "steps short enough for the push of a sample on itself",
    ),
    sabotaged={"losses of labels 10 % larger": lambda i: measure(i, _louder(i))},
    thrift=3,
)
