"""Further instances that a run draws by itself: where evidence is short, and to confirm.

Evidence is short where a rate's interval leaves its tolerance, or where a law was decided on too
small a share of instances (of twelve, two open ones are): then the families in which it was seen
get as many instances again, for a few rounds. It is short where a law was decided on too few: then
they get as many as make up for that and one more, if it is decided as often as so far. A refutation
by a rate alone is told only where fresh instances, which had no part in it, refute the same rate.
All of it depends on the seed alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from verify.evidence import CLAIM
from verify.judge import MIN_DECIDED, Ruling, judge
from verify.language.claim import AnyClaim
from verify.merge import merge
from verify.rates import FEWEST, Rate
from verify.shards import Shard, ShardResult, further_shard
from verify.strategies.sizes import QUICK, Sizes

ROUNDS = 3
"""How often as many instances as planned are added at most."""

CONFIRMING = 12
"""Fresh instances at least for a refutation by a rate, or a third of those that were planned. The
interval of a median of 8 reaches from the least to the largest: one instance far off left a rate
that was two tolerances wrong unconfirmed, on two of four seeds; of 12 it leaves out two on a side.
"""

UNCONFIRMED = "refuted by a rate, which fresh instances did not confirm"

SCARCE = "refuted by a rate, with too few fresh instances of its stratum to confirm it:"


@dataclass(frozen=True)
class Shortage:
    """Families of which so many further instances may decide what is open."""

    families: tuple[str, ...]
    examples: int


NONE = Shortage((), 0)


def shortage(claim: AnyClaim, results: Sequence[ShardResult], planned: int) -> Shortage:
    """What a claim lacks, of which `planned` instances are drawn a round; `NONE` where nothing."""
    ruling = judge(merge(results, claim.id), CLAIM)
    if ruling.verdict != "inconclusive":
        return NONE
    open_rates = [rate for rate in ruling.rates if rate.judgement != "kept"]
    rates = {(rate.quantity, rate.stratum) for rate in open_rates}
    few = [law.decided for law in ruling.laws if law.decided < MIN_DECIDED]
    uncovered = {law.id for law in ruling.laws if not law.covered}
    families = tuple(
        family
        for family in claim.families
        if any(
            law.id in uncovered or (law.id, law.stratum) in rates
            for result in results
            if result.shard.family == family
            for entry in result.of(claim.id)
            for law in entry.laws.get(CLAIM, ())
        )
    )
    if not families:
        return NONE
    counts = [*few, *(r.samples for r in open_rates if r.judgement == "too few")]
    if any(rate.judgement != "too few" for rate in open_rates) or not min(counts, default=0):
        return Shortage(families, planned)
    seen, fewest = sum(len(result.instances) for result in results), min(counts)
    lacking = MIN_DECIDED - fewest + 1
    return Shortage(families, min(-(-seen * lacking // fewest), planned))


def refuted_by_rates_alone(ruling: Ruling) -> bool:
    return ruling.verdict == "falsified" and ruling.refuted == 0


def fresh_shards(
    claims: tuple[AnyClaim, ...],
    families: Sequence[str],
    known: Iterable[Shard],
    seed: int,
    examples: int,
    sizes: Sizes = QUICK,
) -> list[Shard]:
    """Shards beyond all known ones, with `examples` instances over the families."""
    if not families:
        return []
    listed = list(known)
    name = claims[0].measurement.id
    shards: list[Shard] = []
    for family in families:
        used = [s.index for s in listed if (s.measurement, s.family) == (name, family)]
        index = max(used, default=-1) + 1
        wanted = -(-examples // len(families))
        while wanted > 0:
            shard = further_shard(claims, family, index, seed, sizes)
            shards.append(replace(shard, count=min(wanted, shard.count)))
            wanted, index = wanted - shards[-1].count, index + 1
    return shards


def confirmed(ruling: Ruling, claim: AnyClaim, fresh: Sequence[ShardResult]) -> Ruling:
    """The ruling, its refutation by rates withdrawn where fresh instances do not refute one."""
    again = judge(merge(fresh, claim.id), CLAIM)
    if _repeated(ruling, again):
        return ruling
    few = _few(ruling, again)
    told = f"{SCARCE} {', '.join(few)}" if few else UNCONFIRMED
    return replace(ruling, verdict="inconclusive", shortfalls=(told, *ruling.shortfalls))


def scarce(ruling: Ruling, claim: AnyClaim, fresh: Sequence[ShardResult]) -> list[str]:
    """Refuted rates with too few fresh instances of their stratum, where none is confirmed."""
    again = judge(merge(fresh, claim.id), CLAIM)
    return [] if _repeated(ruling, again) else _few(ruling, again)


def _repeated(ruling: Ruling, again: Ruling) -> bool:
    """Whether fresh instances refute a rate that is refuted."""
    return bool(set(map(_key, _refuted(again))) & set(map(_key, _refuted(ruling))))


def _few(ruling: Ruling, again: Ruling) -> list[str]:
    samples = {_key(rate): rate.samples for rate in again.rates}
    return [rate.name for rate in _refuted(ruling) if samples.get(_key(rate), 0) < FEWEST]


def _refuted(ruling: Ruling) -> list[Rate]:
    return [rate for rate in ruling.rates if rate.judgement == "refuted"]


def _key(rate: Rate) -> tuple[str, str]:
    return rate.quantity, rate.stratum
