"""How fast the smoothed margin rises: an identity where the lemma has a lower bound."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.homogeneous import LateHomogeneousFlow
from verify.claims.homogeneous.late_flows import LATE, LateFlow
from verify.language import Basis, Claim, Law, below, choice, equals, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """The rise is first |g_tan|^2/|g|^2 + second D^(power-2) D^2 (nu/x)(nu/x - 1) / ..."""

    first: float = stated(1.0, no_first=(0.0, "without the tangential part"))
    second: float = stated(
        1.0,
        no_second=(0.0, "nu = x, as for one sample"),
        reversed=(-1.0, "1 - nu/x for nu/x - 1"),
    )
    power: float = stated(2.0, no_degree=(0.0, "without D^2"), once=(1.0, "D for D^2"))
    as_lemma: bool = choice(False, over_mean=(True, "|g_tan|^2 / nu for |g_tan|^2 / x"))


@dataclass(frozen=True)
class Lemma(Theory):
    """The lower bound of the lemma, read as what the rise is."""

    first: float = stated(
        1.0,
        nothing=(0.0, "a margin that stays"),
        half=(0.5, "half of it"),
        twice=(2.0, "twice as much"),
    )
    second: float = stated(0.0, reversed=(-1.0, "less the second term"))
    power: float = 2.0
    as_lemma: bool = choice(True, over_smoothed=(False, "|g_tan|^2 / x, and no second term"))


def laws(measured: LateFlow, theory: Theory) -> Iterator[Law]:
    share = theory.second * measured.degree ** (theory.power - 2.0)

    def missing(flow: LateHomogeneousFlow, states: Floats) -> Floats:
        terms = np.diff(flow.terms(states), axis=0)
        first = terms[:, 1] if theory.as_lemma else terms[:, 0]
        rise = np.diff(flow.log_margin(states))
        return np.asarray(rise - theory.first * first - share * terms[:, 2])

    # the error is that of two numbers of size 1, not of their difference
    gap = measured.read(missing).no_finer(1e-9)
    yield equals("rise of the log margin less its terms", gap, 0.0, 1e-6)
    fall = measured.read(lambda flow, states: -np.diff(flow.log_margin(states))).no_finer(1e-9)
    yield below("fall of the log margin", fall, 1e-6, Basis.IDENTITY)


TOLERANCES = (
    "terms: 1e-6; flows at rtol 1e-11 leave 1e-10, and 4e-8 at a hundred times that",
    "fall: 1e-6, likewise",
)
CLAIMS = (
    Claim(
        id="homogeneous-margin-rise",
        title="Without decay the smoothed margin rises by two terms, exactly",
        statement=(
            r"\frac{1}{\ell} \frac{d \log\tilde\gamma}{dt} = \frac{\|G_{tan}\|^2}{x}"
            r" + \frac{D^2 \nu}{\|\theta\|^2} \left( \frac{\nu}{x} - 1 \right), \quad"
            r" x = \log\tfrac1\ell, \ \nu = \sum_i p_i q_i, \ G = \sum_i p_i \nabla q_i"
        ),
        source=source_of("homogeneous-margin-rise"),
        measurement=LATE,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="homogeneous-margin-rise-of-the-lemma",
        title="As often read: the bound of the lemma is how fast the margin rises",
        statement=(
            r"\frac{d \log\tilde\gamma}{dt} = D \left(\frac{d \log\|\theta\|}{dt}\right)^{-1}"
            r" \left\| \frac{d}{dt} \frac{\theta}{\|\theta\|} \right\|^2"
        ),
        source=source_of("homogeneous-margin-rise-of-the-lemma"),
        measurement=LATE,
        theory=Lemma(),
        laws=laws,
        tolerances=TOLERANCES,
        expected="falsified",
    ),
)
