"""Whether a failure is one of the limit: the same pair at larger alpha.

The theorems speak of alpha to infinity. Where what fails falls as alpha grows, only the rate at
which it was to fall is lost with the assumption, not the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from theory.errors import InvalidInput
from theory.problem import Regime
from verify.instances import FlowInstance
from verify.language.claim import AnyClaim
from verify.necessity.judged import Judged, Pair, judge_pair

FALLEN = 0.75
"""What fails is taken to fall where it ends below this share of what it began with: 1/log alpha
gives a half or less over these scales, a constant stays within some percents."""

PLAIN = (0.7, 0.85, 1.0)
FAR = (1.0, 1.5, 2.0)
"""Relative log alpha. Plain coordinates end at alpha = 1000; beyond twice its own, displacements
are below rounding, and kinks are not felt."""


@dataclass(frozen=True)
class Scale:
    """What failed, at one alpha."""

    log10_alpha: float
    value: float
    granted: float


def at_other_scales(claim: AnyClaim, pair: Pair, judged: Judged) -> list[Scale]:
    """The law that failed worst, along a ladder of alphas, without those that do not compute.

    None where instances have no alpha, or alpha itself is what is violated.
    """
    failed, found = judged.failing, []
    for scaled in _ladder(pair) if failed else ():
        assert failed is not None
        part = judge_pair((claim,), scaled)[claim.id].violating.of(failed.name)
        if part is not None and isinstance(scaled.violating, FlowInstance):
            log10_alpha = scaled.violating.regime.log10_alpha
            found.append(Scale(log10_alpha, part.value, part.granted))
    return found


def falls(scales: Sequence[Scale]) -> bool:
    """Whether what failed gets smaller as alpha grows."""
    return len(scales) > 1 and scales[-1].value < FALLEN * scales[0].value


def _ladder(pair: Pair) -> list[Pair]:
    violating, restored = pair.violating, pair.restored
    if not (isinstance(violating, FlowInstance) and isinstance(restored, FlowInstance)):
        return []
    own = restored.regime.log10_alpha
    if violating.regime.log10_alpha != own:
        return []
    factors = PLAIN if restored.plain else FAR
    found = []
    for scale in (factor * own for factor in factors):
        try:
            changed = _scaled(violating, restored, scale), restored.at_alpha(scale)
        except InvalidInput:
            continue
        found.append(replace(pair, violating=changed[0], restored=changed[1]))
    return found


def _scaled(violating: FlowInstance, restored: FlowInstance, scale: float) -> FlowInstance:
    """At another alpha; a lambda that is no power of it stays what it is."""
    if violating.regime.log10_lambda == restored.regime.log10_lambda:
        return violating.at_alpha(scale)
    regime = Regime(log10_alpha=scale, log10_lambda=violating.regime.log10_lambda)
    return replace(violating, regime=regime)
