"""Every claim, as the runner sees it, on an instance or two of each family."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import all_claims, instance_of
from verify.evidence import Evidence
from verify.examine import examine_all
from verify.judge import judge
from verify.language.claim import AnyClaim
from verify.search import draw_instances
from verify.shards import Shard, groups_of, plan_shards
from verify.user_modules import load_claims

EXAMPLE = load_claims(str(Path(__file__).parents[2] / "examples" / "margin_monotone.py"))
"""That of docs/adding-a-claim.md, which keeps the same rules."""

EXAMPLES = 4
SEED = 20

GROUPS = groups_of(tuple(all_claims().values()))


def instances_of(claims: Sequence[AnyClaim], shard: Shard) -> Sequence[Any]:
    """As the shard draws them, but for the simplest of its family."""
    measurement, drawn = claims[0].measurement, list[Any]()
    if shard.family == "examples":
        return measurement.examples
    strategy = measurement.instances((shard.family,), shard.sizes)
    draw_instances(strategy, shard.seed, shard.count + 1, drawn.append)
    return drawn[1:]


def noticed(found: Sequence[dict[str, Evidence]], claim: AnyClaim) -> bool:
    """Whether one of its wrong worlds is."""
    return any(world.noticed for entry in found for world in entry[claim.id].sabotages)


@pytest.mark.parametrize("claims", GROUPS, ids=lambda claims: claims[0].measurement.id)
def test_claims_of_a_measurement(claims: tuple[AnyClaim, ...]) -> None:
    """None that should hold is refuted, a wrong world is noticed, every instance is read back.

    Few instances do not make a claim hold; the main job draws more, and asks rivals as well.
    """
    found = list[dict[str, Evidence]]()
    for shard in plan_shards(claims, EXAMPLES, SEED):
        for instance in instances_of(claims, shard):
            attacked = not all(noticed(found, claim) for claim in claims)
            found.append(examine_all(claims, instance, rivals=False, sabotage=attacked))
    for claim in claims:
        evidence = [entry[claim.id] for entry in found]
        read = [instance_of(claim, json.loads(json.dumps(e.instance))) for e in evidence]
        told = [{**instance.to_json(), "claim": claim.id} for instance in read]
        assert told == [e.instance for e in evidence]
        ruling = judge(evidence, "claim")
        assert [entry.message for entry in evidence if entry.outcome == "raised"] == []
        assert ruling.decided >= 1
        assert any(entry.sabotages for entry in evidence)
        if claim.expected == "holds":
            assert ruling.decided >= 0.5 * len(evidence)
            assert ruling.verdict != "falsified", (claim.id, ruling.worst_law, ruling.worst)
            assert noticed(found, claim), claim.id


@pytest.mark.parametrize("claim", [*all_claims().values(), *EXAMPLE], ids=lambda claim: claim.id)
def test_claim_says_where_it_comes_from_and_what_would_be_wrong(claim: AnyClaim) -> None:
    assert claim.source
    assert claim.statement
    assert claim.assumptions
    assert claim.tolerances
    assert len(claim.rivals) >= 5
    assert len({rival.id for rival in claim.rivals}) == len(claim.rivals)
    assert all(rival.theory != claim.theory for rival in claim.rivals)
