"""Whether a failure is one of the limit: the same pair at larger alpha.

The theorems speak of alpha to infinity. Where what fails falls as alpha grows, only the rate at
which it was granted to fall is lost with the assumption, not the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log10

from theory.errors import InvalidInput, NumericalFailure
from theory.problem import LOG_10, Regime
from verify.instances import Violation
from verify.necessity.conclusions import Judged, judge_pair

FALLEN = 0.75
"""What fails is taken to fall where it ends below this share of what it began with: 1/log alpha
gives a half or less over these scales, a constant stays within some percents."""

PLAIN = (0.7, 0.85, 1.0)
FAR = (1.0, 1.5, 2.0)
FARTHEST = (1.0, 4.0, 16.0)
STEEP = (1.0, 1.1, 1.2)

SCALES = {
    "homogeneity": PLAIN,  # plain coordinates end at alpha = 1000, where the pair is
    "zero output": PLAIN,
    "separability": PLAIN,
    "smoothness": FAR,  # farther, displacements are below rounding, and kinks are not felt
    "c > 0": FARTHEST,  # slow modes fall like a small power of log alpha
}
"""Relative log alpha; none where alpha itself is what is violated."""

CONSTANT_NATS = 10.0
"""log(1/lambda) below which a violating lambda is a constant."""


@dataclass(frozen=True)
class Scale:
    """What failed, at one alpha."""

    log10_alpha: float
    value: float
    granted: float


def at_other_scales(pair: Violation, conclusion: str, judged: Judged) -> list[Scale]:
    """The part that failed worst, along a ladder of alphas, without those that do not compute."""
    failed, found = judged.violating.worst.name, []
    for scaled in _ladder(pair):
        try:
            parts = judge_pair(scaled, conclusion).violating.parts
        except (NumericalFailure, InvalidInput):
            continue
        for part in parts:
            if part.name == failed:
                log10_alpha = scaled.violating.regime.log10_alpha
                found.append(Scale(log10_alpha, part.value, part.granted))
    return found


def falls(scales: Sequence[Scale]) -> bool:
    """Whether what failed gets smaller as alpha grows."""
    return len(scales) > 1 and scales[-1].value < FALLEN * scales[0].value


def _ladder(pair: Violation) -> list[Violation]:
    log10_alpha = pair.restored.regime.log10_alpha
    if pair.assumption == "lambda a power of alpha":
        nats = -pair.violating.regime.log10_lambda * LOG_10
        constant = nats < CONSTANT_NATS
        return [
            replace(
                pair,
                restored=pair.restored.at_alpha(scale * log10_alpha),
                violating=replace(
                    pair.violating,
                    regime=Regime(
                        log10_alpha=scale * log10_alpha,
                        # lambda = exp(-alpha^q) with the same q
                        log10_lambda=-nats / LOG_10
                        if constant
                        else -(10.0 ** (scale * log10(nats))) / LOG_10,
                    ),
                ),
            )
            for scale in (FAR if constant else STEEP)
        ]
    return [
        replace(
            pair,
            violating=pair.violating.at_alpha(scale * log10_alpha),
            restored=pair.restored.at_alpha(scale * log10_alpha),
        )
        for scale in SCALES.get(pair.assumption, ())
    ]
