"""How many further instances a run draws."""

from collections.abc import Callable
from typing import Any

from stated import bound, rate

from verify.evidence import CLAIM, Evidence
from verify.further import NONE, Shortage, shortage
from verify.shards import ShardResult, plan_shards

Make = Callable[..., Any]


def drawn(claim: Any, *laws: list[Any]) -> list[ShardResult]:
    """Instances of which each asserts some laws, beside a bound that holds."""
    (shard, *_) = plan_shards((claim,), len(laws), 0)
    found = tuple(
        {claim.id: Evidence({"k": k}, "measured", laws={CLAIM: (bound("b", 0.0, 1.0), *own)})}
        for k, own in enumerate(laws)
    )
    return [ShardResult(shard, found, 0)]


def test_a_law_on_too_few_instances_gets_as_many_as_make_up_for_it(tiny_claim: Make) -> None:
    """One of three has it, six are needed, and four are there: three more, one of them spare."""
    claim, seldom = tiny_claim(), [rate("slope", 1.0, 1.0, 0.1)]
    results = drawn(claim, *[seldom if k % 3 == 0 else [] for k in range(12)])
    family = results[0].shard.family
    assert shortage(claim, results, 24) == Shortage((family,), 9)
    assert shortage(claim, results, 8) == Shortage((family,), 8)


def test_a_wide_interval_gets_as_many_again(tiny_claim: Make) -> None:
    claim = tiny_claim()
    results = drawn(claim, *[[rate("slope", 1.0, 0.95 + 0.2 * (k % 2), 0.1)] for k in range(12)])
    assert shortage(claim, results, 24) == Shortage((results[0].shard.family,), 24)


def test_a_law_on_too_small_a_share_gets_as_many_again(tiny_claim: Make) -> None:
    claim, decided = tiny_claim(), bound("seldom", 0.5, 1.0)
    open_one = bound("seldom", 0.5, 1.0, error=float("nan"))
    results = drawn(claim, *[[open_one if k < 2 else decided] for k in range(12)])
    assert shortage(claim, results, 24) == Shortage((results[0].shard.family,), 24)
    results = drawn(claim, *[[open_one if k < 1 else decided] for k in range(12)])
    assert shortage(claim, results, 24) is NONE


def test_what_holds_lacks_nothing(tiny_claim: Make) -> None:
    claim = tiny_claim()
    results = drawn(claim, *[[rate("slope", 1.0, 1.0, 0.1)]] * 12)
    assert shortage(claim, results, 24) is NONE
