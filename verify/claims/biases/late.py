"""After t_g parts of a lower degree vanish beside the smallest margin, like q_min^(-2(L-D)/L)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import log

import numpy as np

from theory.backend import Floats
from theory.biases import BiasedState, biased_flow, late_power, with_biases
from theory.kernel.lazy import initial_log_gain, tolerances
from verify.claims.biases.early import UNPULLED, OfLag
from verify.claims.biases.kernel_phase import LEAST_PULL, Pair
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.kernel_phase import RESOLVES
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Measurement,
    Quantity,
    choice,
    equals,
    in_words,
    not_applicable,
    rate,
    separately,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.biases import FAMILIES, after_t_g

RTOL, LOOSE = 1e-9, 1e-7
SCALES = (50.0, 500.0, 5000.0)
"""log10 alpha: margins differ by a factor of ten each, and 1 / q_min is 10^-2 to 10^-4. The last
is for what moves between the first two."""

STEADY = 0.05
"""Of log pull, by how much it may differ on two rungs. |theta|^L ~ q_min / pull_L and |theta|^2 ~ L
q_min sum mu give f_D / q_min ~ pull_D pull_L^(-2D/L) q_min^(-2(L-D)/L): a pull_L that moves by so
much tilts the slope of a decade by 0.033 at most for L = 4."""

TURN = 0.3
"""Of the weights, as a distance of unit vectors: at one KKT point they turned by 0.2 at most, where
samples tie and rounding decides which of several a flow comes to, by 0.56 and more, but by 0.35 on
a later draw, which moving pulls left unresolved. Margins are stationary at a KKT point: they follow
its square."""

UNSETTLED = "on no two rungs do the same samples pull as much at one KKT point"


@dataclass(frozen=True, eq=False)
class LateBiases:
    """The net with biases at (1+c) t_g, on two rungs, which are settled where any are.

    Attributes:
        outgrown: what is observed of the parts on the second rung, over what they are: 1.
    """

    ends: tuple[Pair, ...]
    outgrown: float

    @property
    def degree(self) -> int:
        return self.ends[0].tight.chart.problem.degree

    @property
    def lags(self) -> list[int]:
        """Of the biases that the samples pull in both ends."""
        every = self.ends[0].tight.chart.lags
        lags: list[int] = np.unique(every[every > 0]).tolist()
        return [lag for lag in lags if min(_pull(end.tight, lag) for end in self.ends) > LEAST_PULL]

    @property
    def settled(self) -> bool:
        """Whether both rungs are at one KKT point, and pulls as large on both, of f_L as well."""
        lags = [0, *self.lags]
        pulls = np.log([[_pull(end.tight, lag) for lag in lags] for end in self.ends])
        weights = [_direction(end.tight) for end in self.ends]
        steady = np.abs(pulls[1] - pulls[0]) <= STEADY
        return bool(steady.all() and np.linalg.norm(weights[1] - weights[0]) <= TURN)

    def slope(self, lag: int, *, per_pull: bool) -> Quantity:
        """d log(max |f_D| / q_min) / d log q_min; as if pulls did not change between the rungs."""
        share = partial(_share, lag=lag, per_pull=per_pull)
        shares = [self._log(end, share) for end in self.ends]
        margins = [self._log(end, _smallest) for end in self.ends]
        return (shares[1] + log(self.outgrown) - shares[0]) / (margins[1] - margins[0])

    def _log(self, end: Pair, reading: Callable[[BiasedState], float]) -> Quantity:
        return Quantity.paired(reading, end.tight, end.loose, end.floor).log()


def _smallest(state: BiasedState) -> float:
    return float(state.margins.min())


def _direction(state: BiasedState) -> Floats:
    """Of the weights."""
    weights = state.theta[state.chart.lags == 0]
    return np.asarray(weights / np.linalg.norm(weights))


def _share(state: BiasedState, lag: int, per_pull: bool) -> float:
    part = float(np.abs(state.part(lag)).max())
    return part / _smallest(state) / (_pull(state, lag) if per_pull else 1.0)


def _pull(state: BiasedState, lag: int) -> float:
    """|sum_i mu_i y_i grad f_D| by the parameters of that lag, over its terms' lengths together."""
    chart, problem = state.chart, state.chart.problem
    weights = problem.loss_function.log_share(state.margins)
    multipliers = np.exp(weights - weights.max())
    unbiased = np.where(chart.lags == 0, state.theta, 0.0)
    gradients = problem.row_labels[:, None] * problem.row_net.jacobian(unbiased, problem.inputs)
    features: Floats = gradients[:, chart.lags == lag]
    most = float(multipliers @ np.linalg.norm(features, axis=1))
    return float(np.linalg.norm(multipliers @ features)) / most if most > 0.0 else 0.0


def measure(instance: FlowInstance, method: str | None = None, outgrown: float = 1.0) -> LateBiases:
    """The ends; in a wrong world the parts are so much larger on the second rung."""
    first, second, third = (instance.at_own_alpha(scale) for scale in SCALES)
    near, far = _end(first, method), _end(second, method)
    found = LateBiases((near, far), outgrown)
    if found.settled:
        return found
    last = _end(third, method)
    others = (LateBiases((end, last), outgrown) for end in (far, near))
    return next((other for other in others if other.settled), found)


def _end(instance: FlowInstance, method: str | None) -> Pair:
    problem, at = with_biases(instance.problem), instance.told(1.0 + instance.c)
    flow = partial(biased_flow, problem, instance.regime, [at], method=method)
    used = tolerances(initial_log_gain(problem, instance.regime), RTOL)[0]
    return Pair(flow(rtol=RTOL)[0], flow(rtol=LOOSE)[0], RESOLVES * used)


def kept(degree: float, lag: float) -> float:
    return 0.0


def inverse(degree: float, lag: float) -> float:
    return -1.0


def once(degree: float, lag: float) -> float:
    return -lag / degree


def of_rho(degree: float, lag: float) -> float:
    return -2.0 * lag


def undivided(degree: float, lag: float) -> float:
    return 2.0 / degree - 1.0


def of_lag(degree: float, lag: float) -> float:
    return -lag


@dataclass(frozen=True)
class Theory:
    """f_D / q_min ~ q_min^power."""

    power: OfLag = choice(
        late_power,
        kept=(kept, "biases stay in the limit"),
        inverse=(inverse, "like 1 / q_min, whatever the degree"),
        once=(once, "q_min^(-(L-D)/L)"),
        of_rho=(of_rho, "q_min^(-2(L-D)), as of rho"),
        undivided=(undivided, "q_min^(2/L - 1)"),
    )


@dataclass(frozen=True)
class Kept:
    """The late programme is max margin of f, with the biases."""

    power: OfLag = choice(
        kept,
        inverse=(inverse, "like 1 / q_min, whatever the degree"),
        once=(once, "q_min^(-(L-D)/L)"),
        of_rho=(of_rho, "q_min^(-2(L-D)), as of rho"),
        undivided=(undivided, "q_min^(2/L - 1)"),
        of_lag=(of_lag, "q_min^(-(L-D))"),
    )


def power_laws(measured: LateBiases, theory: Theory | Kept) -> Iterator[Law]:
    median, each = "slope less what is predicted, of the lowest degree", "slopes at one pull"
    lags, degree = measured.lags, measured.degree
    if not lags:
        yield not_applicable(median, Kind.RATE, UNPULLED)
        yield not_applicable(each, Kind.EQUALS, UNPULLED)
        return
    if not measured.settled:
        yield unresolved(median, Kind.RATE, UNSETTLED)
        yield unresolved(each, Kind.EQUALS, UNSETTLED)
        return
    lowest = measured.slope(lags[-1], per_pull=False) - theory.power(degree, lags[-1])
    yield rate(median, lowest, 0.0, 0.02, "difference")
    slopes = Quantity.joined(measured.slope(lag, per_pull=True) for lag in lags)
    predicted = [theory.power(degree, lag) for lag in lags]
    yield equals(each, slopes, predicted, 0.05, Basis.MEASURED)


LATE_BIASES = Measurement(
    id="late-biases",
    kind=FlowInstance,
    families=FAMILIES,
    instances=after_t_g,
    measure=measure,
    assumptions=(
        *(replace(assumption, violated=None) for assumption in OF_THE_THEOREMS),
        *in_words("biases start at zero", "strict complementarity"),
    ),
    sabotaged={"parts that fall by less, 1.5 to 1": partial(measure, outgrown=1.5)},
    independent=partial(measure, method="BDF"),
    thrift=2,
)

TOLERANCES = (
    "slope: 0.02 in the median, of margins that grow tenfold or more, between two rungs at one KKT "
    f"point where log pulls, of f_L by the weights as well, differ by {STEADY:g} at most: 10^50 "
    "and 10^500, or one of them and 10^5000",
    "at one pull |sum mu y grad f_D| / sum mu |grad f_D|, as on both rungs: 0.05 on each instance, "
    "of which a pull of f_L that moves by so much takes 0.033; 0.0035 on 187 others, but 0.5 where "
    "that pull halved, 0.3 between a saddle and the KKT point that follows it",
)
CLAIMS = (
    Claim(
        id="biases-vanish-late",
        title="After t_g a part of degree D < L vanishes like q_min^(-2(L-D)/L) beside q_min",
        statement=r"\frac{\max_i |f_D(\theta; x_i)|}{q_{\min}} \sim q_{\min}^{-2(L-D)/L}",
        source=source_of("biases-vanish-late"),
        measurement=LATE_BIASES,
        theory=Theory(),
        laws=separately(power_laws),
        tolerances=TOLERANCES,
    ),
    Claim(
        id="biases-kept-late",
        title="As often read: after t_g the net is a max-margin solution with its biases",
        statement=r"\frac{\max_i |f_D(\theta; x_i)|}{q_{\min}} \not\to 0",
        source=source_of("biases-kept-late"),
        measurement=LATE_BIASES,
        theory=Kept(),
        laws=separately(power_laws),
        tolerances=TOLERANCES,
        expected="falsified",
    ),
)
