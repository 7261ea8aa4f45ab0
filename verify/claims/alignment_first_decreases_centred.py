"""The early decrease of the alignment, claimed of the centred predictor: it never happens."""

from dataclasses import replace

from verify.claims.alignment_first_decreases import (
    CLOCKS,
    Measured,
    Theory,
    excess,
    ladders,
    measure,
)
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_online import agreeing_instances


def assertions(measured: Measured, theory: Theory) -> Assertions:
    """Where the theory says that it decreases at first, the first value lies below the start."""
    if excess(measured, theory) <= 0:
        return Assertions()
    return Assertions(
        (
            Bound(
                f"sum A^2 over its start at eps B t / alpha = {CLOCKS[0]:g}",
                measured.course[0],
                1.0,
                measured.error,
            ),
        )
    )


_TRUE = Theory()

CLAIM = Claim(
    id="alignment-first-decreases-centred",
    title="Centred as well, alignment first decreases where neurons agree (it never does)",
    statement=(
        r"\text{centred: } \frac{d}{dt} \sum_j A_j^2 \Big|_{0} < 0 \iff"
        r" \frac{(\sum_j A_j)^2}{N \sum_j A_j^2} > \frac{3 \epsilon B}{2 \alpha}"
    ),
    source=source_of("alignment-first-decreases-centred"),
    assumptions=(
        "infinitely many samples",
        "fixed readouts",
        "centred predictor",
        "coherence above 3 eps B / (2 alpha)",
    ),
    instances=agreeing_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("threshold-1", "threshold eps B / alpha", replace(_TRUE, constant=1.0)),
        Rival("threshold-5/4", "threshold 5 eps B / (4 alpha)", replace(_TRUE, constant=1.25)),
        Rival("threshold-3/4", "threshold 3 eps B / (4 alpha)", replace(_TRUE, constant=0.75)),
        Rival("no-width", "(sum A)^2 / sum A^2", replace(_TRUE, width_power=0.0)),
        Rival("always", "it always decreases at first", replace(_TRUE, answer="always")),
    ),
    tolerances=(
        "none but the integrator's error: the centred predictor begins at zero, nothing repels the "
        "neurons, and sum A^2 grows at exactly 3 eps B / alpha",
    ),
    ladders=ladders,
    families=("agreeing",),
    kind=CommitteeInstance,
    expected="falsified",
)
