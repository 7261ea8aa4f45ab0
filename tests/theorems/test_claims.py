"""Every claim, as the runner sees it, on a few instances of each family."""

from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import all_claims
from verify.language import Claim
from verify.merge import merge
from verify.results import judge_claim
from verify.shards import plan_shards, run_shard
from verify.user_modules import load_claims

EXAMPLE = load_claims(str(Path(__file__).parents[2] / "examples" / "margin_monotone.py"))
"""That of docs/adding-a-claim.md, which keeps the same rules."""

EXAMPLES = 12
SEED = 20


@pytest.mark.parametrize("claim", all_claims().values(), ids=lambda claim: claim.id)
def test_claim_has_its_expected_verdict(claim: Claim[Any, Any]) -> None:
    shards = [run_shard(shard) for shard in plan_shards((claim,), EXAMPLES, SEED)]
    result = judge_claim(claim, merge(shards, claim.id), 0)
    falsified = result.ruling.verdict == "falsified"
    assert falsified == (claim.expected == "falsified"), result.ruling
    assert result.ruling.decided >= 0.9 * len(result.evidence)


@pytest.mark.parametrize("claim", [*all_claims().values(), *EXAMPLE], ids=lambda claim: claim.id)
def test_claim_says_where_it_comes_from_and_what_would_be_wrong(claim: Claim[Any, Any]) -> None:
    assert claim.source
    assert claim.statement
    assert claim.assumptions
    assert claim.tolerances
    assert len(claim.rivals) >= 5
    assert len({rival.id for rival in claim.rivals}) == len(claim.rivals)
    assert all(rival.theory != claim.theory for rival in claim.rivals)
