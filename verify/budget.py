"""A budget of time: what is left after the planned examples goes where the evidence is least sure.

The rule. Of all claims that are not falsified, the next shard goes to the one with the largest

    weight * (width + ratio) / ((n + 1) * seconds),

`width` the widest interval of a rate's median over twice its tolerance (at most 1, and 1 for a rate
with too few samples), `ratio` the largest ratio to a bound (at most 1), n the instances so far,
`seconds` the time that one takes; the weight is 10 for a claim that is inconclusive or has a rate
with too few samples, else 1. An interval shrinks like n^(-1/2), that is by a share of 1/(2n) with
one more instance, and one more is beyond all those before it with probability 1/(n + 1): what an
instance may teach falls like 1/n, so that no claim keeps the others waiting. Within the claim the
family with the fewest instances is next.

A shard is not begun where its expected time is more than what is left, so a run ends at its budget.
The seeds of further shards continue those of the plan: a shard's instances depend on the seed of
the run, the claim, the family and its index, never on time. Which shards are reached does. What an
interrupted run had spent is counted, when it is resumed, by the time that its shards took.
"""

import re
from collections.abc import Sequence

from theory.errors import InvalidInput
from verify.alone import ratio
from verify.evidence import CLAIM
from verify.judge import Ruling, judge
from verify.language.claim import AnyClaim
from verify.merge import merge
from verify.shards import Shard, ShardResult, ShardStore, further_shard
from verify.strategies.sizes import QUICK, Sizes

OPEN_WEIGHT = 10.0

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smh])")


def seconds_of(text: str) -> float:
    """Seconds of "90s", "10m" or "2h".

    Raises:
        InvalidInput: it is no such time, or none at all.
    """
    found = _TIME.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0.0:
        raise InvalidInput(f"budget is {text!r}; it must be a time such as 90s, 10m or 2h")
    return seconds


def uncertainty(ruling: Ruling) -> float:
    """weight * (width + ratio) of the rule; 0 for what is falsified."""
    if ruling.verdict == "falsified":
        return 0.0
    few = any(rate.judgement == "too few" for rate in ruling.rates)
    widths = [
        1.0
        if rate.judgement == "too few" or rate.tolerance <= 0.0
        else min((rate.high - rate.low) / (2.0 * rate.tolerance), 1.0)
        for rate in ruling.rates
    ]
    # with nothing decided there is nothing to be near to, and everything to be learned
    near = 1.0 if ruling.worst is None and not widths else 0.0
    if ruling.worst is not None:
        near = min(ratio(ruling.worst), 1.0)
    weight = OPEN_WEIGHT if few or ruling.verdict == "inconclusive" else 1.0
    return weight * (max(widths, default=0.0) + near)


class _Account:
    """The evidence of claims that share a measurement, and what a further instance may be worth."""

    def __init__(self, claims: tuple[AnyClaim, ...]) -> None:
        self.claims = claims
        self.results: list[ShardResult] = []
        self.drawn = dict.fromkeys(claims[0].families, 0)
        self.next_index = dict.fromkeys(claims[0].families, 0)
        self._uncertainty: float | None = None

    def plan(self, shard: Shard) -> None:
        """Count a shard that is to be run."""
        if shard.family in self.drawn:
            self.drawn[shard.family] += shard.count
            self.next_index[shard.family] = max(self.next_index[shard.family], shard.index + 1)

    def add(self, result: ShardResult) -> None:
        self.results.append(result)
        self._uncertainty = None

    @property
    def seconds(self) -> float:
        """Of one instance, on average."""
        total = sum(result.seconds for result in self.results)
        return max(total / max(sum(len(r.instances) for r in self.results), 1), 1e-6)

    def worth(self) -> float:
        """What one more instance may teach of the least sure claim, per second."""
        if self._uncertainty is None:
            rulings = (judge(merge(self.results, c.id), CLAIM) for c in self.claims)
            self._uncertainty = max(map(uncertainty, rulings))
        return self._uncertainty / ((sum(self.drawn.values()) + 1) * self.seconds)

    def next_shard(self, seed: int, sizes: Sizes) -> Shard:
        family = min(self.drawn, key=lambda name: self.drawn[name])
        return further_shard(self.claims, family, self.next_index[family], seed, sizes)


class Spending:
    """Chooses further shards by the rule of this module."""

    def __init__(
        self, groups: Sequence[tuple[AnyClaim, ...]], seed: int, sizes: Sizes = QUICK
    ) -> None:
        self._accounts = {_key(group[0]): _Account(group) for group in groups}
        self._seed, self._sizes = seed, sizes

    def add(self, result: ShardResult) -> None:
        """Take in what a planned shard, or one of `choose` or `resume`, has found."""
        account = self._accounts[result.shard.module, result.shard.measurement]
        if result.shard.index >= account.next_index.get(result.shard.family, 0):
            account.plan(result.shard)
        account.add(result)

    def resume(self, store: ShardStore) -> list[ShardResult]:
        """Further shards that an interrupted run has left; call it after the planned ones."""
        found = []
        for account in self._accounts.values():
            for family in account.drawn:
                index = account.next_index[family]
                while result := store.load(
                    further_shard(account.claims, family, index, self._seed, self._sizes)
                ):
                    found.append(result)
                    index += 1
        for result in found:
            self.add(result)
        return found

    def choose(self, workers: int, seconds: float) -> list[Shard]:
        """At most so many shards that are expected to be done in time; none when none is."""
        chosen: list[Shard] = []
        for _ in range(workers):
            ranked = sorted(
                (account for account in self._accounts.values() if account.worth() > 0.0),
                key=lambda account: -account.worth(),
            )
            shards = ((account, account.next_shard(self._seed, self._sizes)) for account in ranked)
            fitting = ((a, s) for a, s in shards if a.seconds * s.count <= seconds)
            account, shard = next(fitting, (None, None))
            if account is None or shard is None:
                break
            account.plan(shard)
            chosen.append(shard)
        return chosen


def _key(claim: AnyClaim) -> tuple[str | None, str]:
    return claim.module, claim.measurement.id
