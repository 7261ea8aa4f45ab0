"""The mean field theory predicts train and test loss at every sample ratio and time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from theory.backend import Array, Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import (
    MeanField,
    MeanFieldSolution,
    Simulation,
    Terms,
    causal_sweep,
    iterate,
    online,
    simulate,
)
from theory.lazy_rich.linear_net import linear_curves
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.instances.committee import CommitteeInstance
from verify.strategies.committee_dmft import FAMILIES, dmft_instances

STANDARD_ERRORS = 4.0
"""How many of them two means may differ by: exceeded by chance once in 15 000 times."""

ALL_TERMS = Terms()

FINITE_DIMENSION = 10.0
"""What the finite dimension may make of a loss, times D: twice the train loss's 5 % at D = 100, 3 %
at 160 and 2 % at 200."""

LINEAR, ONLINE, SOLVERS = 0.005, 1e-4, 1e-3
"""Relative deviations that are allowed besides four standard errors; see the claim's tolerances."""

TRAINED_ON = 160_000
"""Samples of all runs of a simulation together."""

LARGE = (1024, 8)
SMALL = (256, 3)
TINY = (128, 1)
"""Samples and runs: for the theory, for its rivals, and for its two solvers on the same noise."""

SHORT = 12
"""Steps over which the solvers are compared: later the covariance of the pushes is singular to
rounding, and the two, which factor it differently, no longer draw the same noise."""


@dataclass(frozen=True)
class Theory:
    """Which theory predicts the curves.

    Attributes:
        terms: the terms that it keeps.
        ratio: it is solved at this many times the sample ratio; infinity is online learning.
        speed: it moves this many times as fast, as in a loss with another prefactor.
        scale_power: the push of a sample goes like alpha^(-scale_power).
        one_loss: it has one loss for train and test.
    """

    terms: Terms = ALL_TERMS
    ratio: float = 1.0
    speed: float = 1.0
    scale_power: float = 1.0
    one_loss: bool = False

    def solve(self, truth: MeanField, size: tuple[int, int]) -> "Curves | None":
        """Its curves from populations of a size; None where its numbers overflow."""
        problem = replace(
            truth,
            terms=self.terms,
            sample_ratio=truth.sample_ratio * self.ratio,
            step=truth.step * self.speed * truth.output_scale ** (1.0 - self.scale_power),
        )
        try:
            curves = Curves.of(
                online(problem) if self.ratio == inf else causal_sweep(problem, *size)
            )
        except NumericalFailure:
            return None
        return replace(curves, train=curves.test) if self.one_loss else curves


Means = tuple[tuple[float, float], ...]
"""Values with their standard errors, at the times 0, ..., T."""


@dataclass(frozen=True)
class Curves:
    """Train and test losses over time."""

    train: Means
    test: Means

    @classmethod
    def of(cls, solution: MeanFieldSolution | Simulation) -> "Curves":
        return cls(_means(solution.train_losses), _means(solution.test_losses))

    @classmethod
    def exact(cls, train: Floats, test: Floats) -> "Curves":
        return cls(*(tuple((float(v), 0.0) for v in losses) for losses in (train, test)))

    def pairs(self, other: "Curves") -> Iterator[tuple[str, float, float]]:
        """Name, relative deviation of `other` and its standard error, at three times each."""
        last = len(self.train) - 1
        for loss in ("train", "test"):
            for time in (last // 4, last // 2, last):
                value, error = getattr(self, loss)[time]
                found, uncertain = getattr(other, loss)[time]
                joint = (error**2 + uncertain**2) ** 0.5
                yield f"{loss} loss after {time} steps", abs(found / value - 1.0), joint / value


def _means(losses: Array) -> Means:
    """Means over runs; the error of a single run counts as zero."""
    runs = len(losses)
    errors = losses.std(0) / runs**0.5 if runs > 1 else 0.0 * losses[0]
    return tuple(zip(losses.mean(0).tolist(), errors.tolist(), strict=True))


@dataclass(frozen=True)
class Compared:
    """One instance: a reference, and what each theory says.

    Attributes:
        allowed: the deviation that is allowed.
        reference: simulated with its error, or exact.
        predicted: by each theory.
        iterated: by the second solver on a tiny population, where the reference is simulated.
        swept: by the first solver on the same noise, for each theory.
    """

    allowed: float
    reference: Curves
    predicted: dict[Theory, Curves | None]
    iterated: Curves | None
    swept: dict[Theory, Curves | None]


def measure(instance: CommitteeInstance) -> Compared:
    """Simulate or solve exactly, and solve every theory."""
    truth = MeanField.of(instance.setting)
    allowed, reference = _reference(instance.setting, truth)
    theories = [_TRUE, *(rival.theory for rival in RIVALS)]
    predicted = {
        theory: theory.solve(truth, LARGE if theory == _TRUE else SMALL) for theory in theories
    }
    if not _simulated(instance.setting):
        return Compared(allowed, reference, predicted, None, {})
    short = replace(truth, steps=SHORT)
    iterated = Curves.of(iterate(short, TINY[0]))
    swept = {theory: theory.solve(short, TINY) for theory in theories}
    return Compared(allowed, reference, predicted, iterated, swept)


def _reference(setting: Setting, truth: MeanField) -> tuple[float, Curves]:
    if _simulated(setting):
        found = simulate(setting, max(TRAINED_ON // setting.samples, 2))
        return FINITE_DIMENSION / setting.input_dim, Curves.of(found)
    if setting.curvature == 0:
        linear = linear_curves(truth)
        return LINEAR, Curves.exact(linear.train, linear.test)
    return ONLINE, Curves.exact(*2 * (online(truth).test.numpy(),))


def _simulated(setting: Setting) -> bool:
    """Whether the curves of this setting have no exact form."""
    return setting.curvature > 0 and setting.sample_ratio < 1e4


def assertions(compared: Compared, theory: Theory) -> Assertions:
    bounds = []
    predicted, swept = compared.predicted[theory], compared.swept.get(theory)
    if predicted is not None:
        bounds += [
            Bound(name, deviation, compared.allowed + STANDARD_ERRORS * error)
            for name, deviation, error in compared.reference.pairs(predicted)
        ]
    if swept is not None and compared.iterated is not None:
        bounds += [
            Bound(f"two solvers: {name}", deviation, SOLVERS)
            for name, deviation, _ in compared.iterated.pairs(swept)
        ]
    return Assertions(tuple(bounds))


def ladders(compared: Compared) -> tuple[Ladder, ...]:
    predicted = compared.predicted[_TRUE]
    if predicted is None:
        return ()
    return tuple(
        Ladder(
            f"{loss} loss",
            "steps",
            tuple(float(time) for time in range(len(predicted.train))),
            tuple(value for value, _ in getattr(compared.reference, loss)),
            tuple(value for value, _ in getattr(predicted, loss)),
        )
        for loss in ("train", "test")
    )


_TRUE = Theory()

RIVALS = (
    Rival(
        "no-memory",
        "a sample's fields do not respond to its own pushes",
        replace(_TRUE, terms=Terms(memory=False)),
    ),
    Rival("no-noise", "the gradient has no noise", replace(_TRUE, terms=Terms(noise=False))),
    Rival("no-pull", "nothing pulls towards beta", replace(_TRUE, terms=Terms(pull=False))),
    Rival("online", "every sample is new", replace(_TRUE, ratio=inf)),
    Rival("double-ratio", "nu = 2 P / D", replace(_TRUE, ratio=2.0)),
    Rival("half-speed", "the loss has a factor 1/2", replace(_TRUE, speed=0.5)),
    Rival("alpha-squared", "kappa = 1 / alpha^2", replace(_TRUE, scale_power=2.0)),
    Rival("one-loss", "the train loss is the test loss", replace(_TRUE, one_loss=True)),
)

CLAIM = Claim(
    id="dmft-curves",
    title="The mean field theory gives train and test loss at any sample ratio",
    statement=(
        r"h = u + \tfrac{dt}{\nu}\sum_{s<t} R_w(t,s)\, g(s), \quad"
        r" \mathcal{L}_{train}(t) = \langle \Delta(h)^2 \rangle, \quad"
        r" \mathcal{L}_{test}(t) = \langle \Delta(u)^2 \rangle \quad (D, P \to \infty)"
    ),
    source="Kumar et al. (2023), eq. 4-6, 26-29, 41-52; a causal solver is this project's",
    assumptions=(
        "D and P large at fixed P/D, here D = 160",
        "readouts fixed at 1 and a quadratic activation",
        "given overlaps of the initial weights",
        "steps short enough for the push of a sample on itself",
    ),
    instances=dmft_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=RIVALS,
    tolerances=(
        "simulation: at three times each, four joint standard errors over the runs of the "
        "simulation and of the solver, and 10/D for the finite dimension, twice what it was "
        "measured to do to the train loss: 5 % at D = 100, 3 % at 160, 2 % at 200",
        "linear: four standard errors and half a percent, the bias of a finite population",
        "many samples: 10^-4 at nu = 10^6, where the gap between train and test loss is 1 / nu",
        "two solvers, same noise: 10^-3 over 12 steps; what rounding leaves is 10^-6, and 10^-3 "
        "only for pushes that nearly depend on each other",
    ),
    ladders=ladders,
    kind=CommitteeInstance,
    families=FAMILIES,
    thrift=3,
    # each other value of a constant is a sweep of its own
    constants=(),
)
