"""Every claim on laziness and on learning from the population, judged on a few instances."""

import pytest

from verify.claims import suite_claims
from verify.evidence import CLAIM, Evidence
from verify.examine import examine
from verify.instances import Instance
from verify.judge import MIN_DECIDED, judge
from verify.search import draw_instances
from verify.strategies import sizes

QUICK = ("sigma-squared-limit", "sigma-squared-collapse")
HEAVY = (
    "early-training-is-linear",
    "laziness-equivalence",
    "goldilocks-middle",
    "grokking-grows-with-laziness",
    "norm-grows-without-decay",
    "online-limit",
    "escape-time",
    "escape-time-outside",
)


def evidence_of(name: str) -> list[Evidence]:
    """As many instances of each family as decide a law that speaks of one family only."""
    claim, found = suite_claims()[name], list[Instance]()
    for family in claim.families:
        draw_instances(claim.instances((family,), sizes.QUICK), 7, MIN_DECIDED, found.append)
    return [examine(claim, instance) for instance in found]


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in HEAVY)]
)
def test_verdict_is_expected_and_every_rival_falls(name: str) -> None:
    claim, evidence = suite_claims()[name], evidence_of(name)
    ruling = judge(evidence, CLAIM)
    assert ruling.verdict == claim.expected, ruling.shortfalls
    verdicts = {rival.id: judge(evidence, rival.id).verdict for rival in claim.rivals}
    assert set(verdicts.values()) == {"falsified"}, verdicts
