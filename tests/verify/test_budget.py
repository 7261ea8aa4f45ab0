"""Budgets on tiny claims whose instances cost what a clock of our own says."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from stated import bound, rate

import verify.examine
import verify.runner
from theory.errors import InvalidInput
from verify.budget import OPEN_WEIGHT, Spending, seconds_of, uncertainty
from verify.events import Event, FurtherStarted, ShardFinished
from verify.evidence import CLAIM, Evidence
from verify.judge import judge
from verify.profiles import SHARD_SIZE
from verify.runner import run
from verify.shards import further_shard, plan_shards, run_shard

Make = Callable[..., Any]


class Clock:
    """Shows the seconds that instances have cost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (verify.runner, verify.examine):
            monkeypatch.setattr(module, "perf_counter", lambda: self.now)

    def costs(self, seconds: float) -> Callable[[float], None]:
        def check(total: float) -> None:
            self.now += seconds

        return check


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("2h", 7200.0), ("0.5m", 30.0)]
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-5m", "2d", "1m30s", "ten minutes"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="such as 90s, 10m or 2h"):
        seconds_of(text)


def evidence(ratio: float, *fitted: float, count: int = 6) -> list[Evidence]:
    """Instances at that ratio to their bound; rates predicted to be 1 +- 0.1."""
    rates = [(rate("r", 1.0, f, 0.1),) for f in fitted] or [()] * count
    return [
        Evidence({"k": k}, "measured", laws={CLAIM: (bound("b", ratio, 1.0), *r)})
        for k, r in enumerate(rates)
    ]


def worth(*arguments: float) -> float:
    return uncertainty(judge(evidence(*arguments), CLAIM))


def test_uncertainty_is_width_and_ratio_and_ten_times_as_much_where_open() -> None:
    assert worth(0.5) == 0.5
    assert worth(0.5, *[0.97, 0.98, 0.99, 1.01, 1.02, 1.03]) == pytest.approx(0.5 + 0.06 / 0.2)
    assert worth(0.5, 1.0, 1.0) == OPEN_WEIGHT * (1.0 + 0.5)  # a rate with too few samples
    undecided = (1.05, 1.15, 1.2, 1.15, 1.2, 1.25)
    assert worth(0.5, *undecided) == pytest.approx(OPEN_WEIGHT * (1.0 + 0.5))
    assert worth(2.0) == 0.0  # what is falsified stays so
    assert uncertainty(judge([], CLAIM)) == OPEN_WEIGHT


def drawn(result: Any) -> dict[str, int]:
    return {entry.claim.id: len(entry.evidence) for entry in result.claims}


def test_budget_is_spent_and_not_exceeded(tiny_claim: Make, plan: Make, clock: Clock) -> None:
    claim = tiny_claim(check=clock.costs(1.0))
    events: list[Event] = []
    result = run(plan(claim, budget=200.0), (events.append,))
    assert 190.0 < clock.now - 100.0 <= 200.0
    assert result.to_json()["budget"] == 200.0
    (started,) = [event for event in events if isinstance(event, FurtherStarted)]
    assert 0.0 < started.seconds <= 160.0
    finished = [event for event in events if isinstance(event, ShardFinished)]
    assert finished[-1].done == finished[-1].total == len(finished)


def test_without_a_budget_only_the_plan_is_run(tiny_claim: Make, plan: Make, clock: Clock) -> None:
    claim = tiny_claim(check=clock.costs(1.0))
    small, none = run(plan(claim, budget=1.0), ()), run(plan(claim), ())
    assert [e.instance for e in small.claims[0].evidence] == [
        e.instance for e in none.claims[0].evidence
    ]


def test_planned_evidence_comes_first_and_further_evidence_is_reproducible(
    tiny_claim: Make, plan: Make, clock: Clock
) -> None:
    claim = tiny_claim(check=clock.costs(1.0))
    short, longer = (
        [e.instance for e in run(plan(claim, budget=b), ()).claims[0].evidence] for b in (80, 160)
    )
    planned = [e.instance for e in run(plan(claim), ()).claims[0].evidence]
    assert planned == short[: len(planned)] == longer[: len(planned)]
    assert len(planned) < len(short) < len(longer)
    assert all(instance in longer for instance in short)


def test_further_shards_continue_those_of_a_longer_plan(tiny_claim: Make) -> None:
    claim = tiny_claim()
    longer = plan_shards((claim,), 4 * SHARD_SIZE * 3, 5)
    assert further_shard((claim,), "deep", 2, 5) in longer
    assert run_shard(further_shard((claim,), "deep", 2, 5)).instances


def test_time_goes_to_the_open_claim_first(tiny_claim: Make, plan: Make, clock: Clock) -> None:
    """Both cost the same and are equally near to their bounds; one has a rate that is undecided."""

    def undecided(total: float, limit: float) -> list[Any]:
        fitted = 1.05 if total % 2 else 1.2
        return [bound("b", 0.5, 1.0), rate("r", 1.0, fitted, 0.1)]

    def decided(total: float, limit: float) -> list[Any]:
        return [bound("b", 0.5, 1.0), rate("r", 1.0, 1.0, 0.1)]

    claims = [
        tiny_claim(name=name, check=clock.costs(1.0), laws=stated, rivals={})
        for name, stated in (("sure", decided), ("open", undecided))
    ]
    result = run(plan(*claims, examples=8, budget=120.0), ())
    counts = drawn(result)
    assert counts["open"] > 2 * counts["sure"]


def test_time_goes_where_an_instance_is_cheap(tiny_claim: Make, plan: Make, clock: Clock) -> None:
    dear = tiny_claim(name="dear", check=clock.costs(8.0), rivals={})
    cheap = tiny_claim(name="cheap", check=clock.costs(1.0), rivals={})
    counts = drawn(run(plan(dear, cheap, examples=8, budget=400.0), ()))
    assert counts["cheap"] > 1.5 * counts["dear"]


def test_nothing_more_is_spent_on_what_is_falsified(
    tiny_claim: Make, plan: Make, clock: Clock
) -> None:
    false = tiny_claim(limit=3.0, check=clock.costs(0.5), rivals={})
    events: list[Event] = []
    run(plan(false, examples=8, budget=1000.0), (events.append,))
    finished = [event for event in events if isinstance(event, ShardFinished)]
    assert sum(event.examples for event in finished) == 8


def test_families_are_served_in_turn(tiny_claim: Make) -> None:
    claim = tiny_claim()
    spending = Spending([(claim,)], 0)
    for shard in plan_shards((claim,), 8, 0):
        spending.add(run_shard(shard))
    chosen = spending.choose(8, 1e9)
    assert set(Counter(shard.family for shard in chosen).values()) == {2}
    assert sorted({shard.index for shard in chosen}) == [1, 2]
    assert spending.choose(1, 0.0) == []  # no shard is done in no time


def test_interrupted_run_resumes_with_what_is_left_of_its_budget(
    tiny_claim: Make, plan: Make, clock: Clock
) -> None:
    claim = tiny_claim(check=clock.costs(1.0))

    def interrupt(event: Event) -> None:
        if isinstance(event, ShardFinished) and event.done == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan(claim, budget=200.0), (interrupt,))
    assert clock.now - 100.0 == 88.0
    resumed = run(plan(claim, budget=200.0), ())
    assert 190.0 < clock.now - 100.0 <= 200.0
    assert not (plan().folder / "unfinished").exists()
    whole = run(plan(claim, budget=200.0), ())
    assert [e.instance for e in resumed.claims[0].evidence] == [
        e.instance for e in whole.claims[0].evidence
    ]
