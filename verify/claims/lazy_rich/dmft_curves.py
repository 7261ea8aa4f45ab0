"""The mean field theory predicts train and test loss at every sample ratio and time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from theory.lazy_rich.dmft import MeanField, Terms
from verify.claims.lazy_rich.mean_field_curves import (
    MANY,
    MEAN_FIELD_CURVES,
    Compared,
    Curves,
    solve,
)
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Quantity,
    below,
    choice,
    not_applicable,
    stated,
    unresolved,
)
from verify.language.constants import rivals_of
from verify.registry import source_of

SOLVERS = 1e-3
"""Relative deviation of two solvers on the same noise."""

RESOLVED = 0.5
"""A loss is judged at a time where its error is at most this share of what is allowed, or of how
far it is off."""

BOTH = "two solvers on the same noise"
LOSSES = ("train loss", "test loss")


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

    terms: Terms = stated(
        Terms(),
        no_memory=(Terms(memory=0.0), "a sample's fields do not respond to its own pushes"),
        no_noise=(Terms(noise=0.0), "the gradient has no noise"),
        no_pull=(Terms(pull=0.0), "nothing pulls towards beta"),
    )
    ratio: float = choice(
        1.0, online=(inf, "every sample is new"), double_ratio=(2.0, "nu = 2 P / D")
    )
    speed: float = stated(1.0, half_speed=(0.5, "the loss has a factor 1/2"))
    scale_power: float = stated(1.0, alpha_squared=(2.0, "kappa = 1 / alpha^2"))
    one_loss: bool = choice(False, one_loss=(True, "the train loss is the test loss"))

    def felt(self, truth: MeanField) -> "Theory":
        """Without what the problem does not feel: the same theory for it, and perhaps the true one.

        A linear machine is not pulled, online learning has neither memory nor noise, and no power
        of alpha = 1 matters.
        """
        terms, scale_power = self.terms, self.scale_power
        if truth.curvature == 0:
            terms = replace(terms, pull=1.0)
        if truth.sample_ratio >= MANY:
            terms = replace(terms, memory=1.0, noise=1.0)
        if truth.output_scale == 1:
            scale_power = 1.0
        return replace(self, terms=terms, scale_power=scale_power)

    def curves(self, compared: Compared) -> Curves | None:
        """What it predicts; None where its numbers overflow."""
        truth = compared.truth
        felt = self.felt(truth)
        if felt == Theory():
            return compared.predicted
        problem = replace(
            truth,
            terms=felt.terms,
            sample_ratio=truth.sample_ratio * felt.ratio,
            step=truth.step * felt.speed * truth.output_scale ** (1.0 - felt.scale_power),
        )
        return compared.shifted(solve(problem, compared.size, felt.one_loss))


STATED = (Theory(), *(rival.theory for rival in rivals_of(Theory())))
"""The theories that are judged by simulations too. Others, of which there are many, are judged by
exact curves alone, which tell more in less time."""


def laws(compared: Compared, theory: Theory) -> Iterator[Law | Ladder]:
    """Both losses at three times each, and the theory's own two solvers."""
    if not compared.exact and theory not in STATED:
        for law in LOSSES:
            yield not_applicable(law, Kind.BELOW, "exact curves judge it")
        return
    predicted = theory.curves(compared)
    for k, law in enumerate(LOSSES):
        if predicted is None:
            yield unresolved(law, Kind.BELOW, "the fields of its populations overflow")
            continue
        yield _judged(law, compared.reference[k].apart(predicted[k]), compared.allowed)
        values = Quantity.of(compared.reference[k].values, compared.reference[k].errors)
        yield Ladder.of(law, "steps", np.arange(len(values)), values, predicted[k].values)
    if compared.truth.sample_ratio >= MANY:
        yield not_applicable(BOTH, Kind.BELOW, "online learning has no noise")
        return
    if compared.solved is None or compared.iterated is None:
        yield unresolved(BOTH, Kind.BELOW, "one of the solvers does not finish")
        return
    pairs = zip(compared.iterated, compared.solved, strict=True)
    gaps = np.concatenate([one.apart(other).values for one, other in pairs])
    yield below(BOTH, Quantity.of(gaps, 0.0), SOLVERS, Basis.MEASURED)


def _judged(law: str, apart: Quantity, allowed: float) -> Law:
    kept = apart.errors <= RESOLVED * np.maximum(allowed, apart.values)
    if not kept.any():
        return unresolved(law, Kind.BELOW, "four standard errors are as large as the tolerance")
    judged = Quantity.of(apart.values[kept], apart.errors[kept])
    return below(law, judged, allowed, Basis.MEASURED, at=np.array((0.25, 0.5, 1.0))[kept])


CLAIM = Claim(
    id="dmft-curves",
    title="The mean field theory gives train and test loss at any sample ratio",
    statement=(
        r"h = u + \tfrac{dt}{\nu}\sum_{s<t} R_w(t,s)\, g(s), \quad"
        r" \mathcal{L}_{train}(t) = \langle \Delta(h)^2 \rangle, \quad"
        r" \mathcal{L}_{test}(t) = \langle \Delta(u)^2 \rangle \quad (D, P \to \infty)"
    ),
    source=source_of("dmft-curves"),
    measurement=MEAN_FIELD_CURVES,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "simulation: 10/D at three times each, for the finite dimension, twice what it was "
        "measured to do to the train loss: 5 % at D = 100, 3 % at 160, 2 % at 200; the error is "
        "four joint standard errors over the runs of the simulation and of the solver",
        "linear: half a percent, the bias of a finite population, whose labels' size is taken off",
        "many samples: 10^-5 at nu = 10^8; what finite samples leave goes like 1 / nu, and is "
        "more the further the loss has fallen: 2 10^-6 at 6 10^-5 of the first loss",
        "errors in constants: as linear machines and many samples show them; once measured, the "
        "simulations of 6 instances alone showed 10 % in memory and noise, 20 % in the speed, 50 % "
        "in the power of alpha and none in the pull",
        "two solvers, same noise: 10^-3 over 12 steps; what rounding leaves is 10^-6, and 10^-3 "
        "only for pushes that nearly depend on each other",
    ),
)
