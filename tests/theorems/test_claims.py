"""Every claim, as the runner sees it, on an instance or two of each family."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import all_claims
from verify.evidence import Evidence
from verify.judge import judge
from verify.language import Claim
from verify.merge import merge
from verify.shards import ShardResult, groups_of, plan_shards, run_shard
from verify.user_modules import load_claims

EXAMPLE = load_claims(str(Path(__file__).parents[2] / "examples" / "margin_monotone.py"))
"""That of docs/adding-a-claim.md, which keeps the same rules."""

EXAMPLES = 4
SEED = 20


@cache
def results(measurement: str) -> tuple[ShardResult, ...]:
    """What the claims that share a measurement found, measured once."""
    groups = {group[0].measurement.id: group for group in groups_of(tuple(all_claims().values()))}
    return tuple(run_shard(shard) for shard in plan_shards(groups[measurement], EXAMPLES, SEED))


def evidence(claim: Claim[Any, Any]) -> list[Evidence]:
    return merge(results(claim.measurement.id), claim.id)


@pytest.mark.parametrize("claim", all_claims().values(), ids=lambda claim: claim.id)
def test_nothing_refutes_a_claim_that_should_hold(claim: Claim[Any, Any]) -> None:
    """Few instances do not make a claim hold; the main job draws more."""
    found = evidence(claim)
    ruling = judge(found, "claim")
    assert [entry.message for entry in found if entry.outcome == "raised"] == []
    assert ruling.decided >= 1
    if claim.expected == "holds":
        assert ruling.decided >= 0.5 * len(found)
        assert ruling.verdict != "falsified", (ruling.worst_law, ruling.worst)


@pytest.mark.parametrize("claim", all_claims().values(), ids=lambda claim: claim.id)
def test_every_wrong_world_is_noticed(claim: Claim[Any, Any]) -> None:
    assert claim.measurement.sabotaged
    noticed = [s.noticed for entry in evidence(claim) for s in entry.sabotages]
    assert noticed
    if claim.expected == "holds":
        assert any(noticed)


@pytest.mark.parametrize("claim", [*all_claims().values(), *EXAMPLE], ids=lambda claim: claim.id)
def test_claim_says_where_it_comes_from_and_what_would_be_wrong(claim: Claim[Any, Any]) -> None:
    assert claim.source
    assert claim.statement
    assert claim.assumptions
    assert claim.tolerances
    assert len(claim.rivals) >= 5
    assert len({rival.id for rival in claim.rivals}) == len(claim.rivals)
    assert all(rival.theory != claim.theory for rival in claim.rivals)
