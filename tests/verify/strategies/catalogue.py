"""Every strategy of the suite as a run calls it, and a run's draws without what is measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from verify.instances import Instance, Kind
from verify.instances.kinds import UNITS
from verify.profiles import SHARD_SIZE
from verify.search import draw_instances
from verify.strategies import (
    SIZES,
    Sizes,
    committee_dmft,
    committee_online,
    committee_statics,
    committee_training,
    completion,
    descents,
    regimes,
    regression,
    wide_diagonal,
)
from verify.strategies.nets import FAMILIES
from verify.strategies.tasks import problems
from verify.strategies.undecayed import undecayed_instances

Families = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A strategy by families and sizes; `flows` where its instances are `FlowInstance`s."""

    of: Callable[[Families, Sizes], st.SearchStrategy[Any]]
    families: Families = FAMILIES
    flows: bool = True


def _machines(of: Callable[..., st.SearchStrategy[Any]], *families: str) -> Source:
    return Source(lambda chosen, sizes: of(chosen, sizes=sizes), families, flows=False)


training, online, dmft = committee_training, committee_online, committee_dmft

SOURCES: dict[str, Source] = {
    "kernel phase": Source(lambda f, s: regimes.kernel_phase_instances(problems(f, sizes=s))),
    "late phase": Source(lambda f, s: regimes.late_phase_instances(problems(f, sizes=s))),
    "descent": Source(lambda f, s: descents.descent_instances(problems(f, sizes=s))),
    "kernel regression": Source(lambda f, s: regression.kernel_regression_instances(f, s)),
    "min norm": Source(lambda f, s: regression.min_norm_instances(f, s)),
    "undecayed": Source(undecayed_instances),
    "wide diagonal, early": Source(lambda f, s: wide_diagonal.early_instances(s), ("diagonal",)),
    "wide diagonal, late": Source(lambda f, s: wide_diagonal.late_instances(s), ("diagonal",)),
    "completion": Source(lambda f, s: completion.completion_instances(f, s), ("factorization",)),
    "statics": _machines(committee_statics.static_instances, *committee_statics.READOUTS),
    "knobs": _machines(training.knob_instances, *training.READOUTS),
    "lazy": _machines(training.lazy_instances, *training.READOUTS),
    "weight scale": _machines(
        lambda f, sizes: training.weight_scale_instances((0.01, 0.02), sizes), "all"
    ),
    "memorising": _machines(lambda f, sizes: training.memorising_instances(sizes), "all"),
    "generalising": _machines(training.generalising_instances, *training.CENTRING),
    "goldilocks": _machines(lambda f, sizes: training.goldilocks_instances(sizes), "all"),
    "population": _machines(online.population_instances, "uncentred", "centred"),
    "escape": _machines(online.escape_instances, "aligned", "saturated", "single"),
    "coherent": _machines(online.coherent_instances, "orthogonal", "gaussian", "centred"),
    "agreeing": _machines(online.coherent_instances, "agreeing"),
    "mean field": _machines(dmft.dmft_instances, *dmft.FAMILIES),
    "mean field, early": _machines(dmft.early_instances, "all"),
    "mean field, late": _machines(dmft.late_instances, "all"),
}

FLOWS = [name for name, source in SOURCES.items() if source.flows]


@dataclass(frozen=True)
class Drawn:
    """What a run would have measured, and what it threw away."""

    instances: tuple[Any, ...]
    discarded: int


@cache
def drawn_as_a_run(name: str, profile: str, examples: int, seed: int) -> Drawn:
    """The instances that a run of these many examples judges, in shards with seeds of their own."""
    source, found, discarded = SOURCES[name], [], 0
    for shard, (family, count, repeated) in enumerate(_shards(source.families, examples)):
        batch: list[Instance] = []
        strategy = source.of((family,), SIZES[profile])
        shard_seed = 1000 * seed + shard
        discarded += draw_instances(strategy, shard_seed, count + repeated, batch.append)
        found += batch[repeated:]
    return Drawn(tuple(found), discarded)


def _shards(families: Families, examples: int) -> Iterator[tuple[str, int, int]]:
    """Family, number of examples, and how many to leave out: the simplest, after the first."""
    for k, family in enumerate(families):
        left, first = examples // len(families) + (k < examples % len(families)), True
        while left > 0:
            yield family, min(left, SHARD_SIZE), 0 if first else 1
            left, first = left - SHARD_SIZE, False


KINDS_OF_FLOWS: dict[str, tuple[Kind, ...]] = {
    "kernel phase": tuple(Kind),
    "late phase": tuple(Kind),
    "descent": tuple(Kind),
    "kernel regression": (Kind.PLAIN, Kind.ONE_SAMPLE, *UNITS),
    "min norm": (Kind.PLAIN, Kind.ONE_SAMPLE, Kind.DUPLICATES, *UNITS),
    "undecayed": (Kind.DUPLICATES, Kind.INPUT_UNITS, Kind.OFF_MARGIN),
    "wide diagonal, early": tuple(kind for kind in Kind if kind is not Kind.COLUMN_UNITS),
    "wide diagonal, late": tuple(kind for kind in Kind if kind is not Kind.COLUMN_UNITS),
    "completion": (Kind.PLAIN, Kind.ONE_SAMPLE, Kind.ANCHOR_UNITS),
}
"""Kinds that each strategy of flows is to draw."""
