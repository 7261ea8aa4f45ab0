"""What a run tells its listeners: terminal, results file and report consume nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verify.counterexamples import Worst
from verify.results import ClaimResult, RunResult


@dataclass(frozen=True)
class RunStarted:
    """`shards` of work ahead, `resumed` of them found finished; the first ones are `running`."""

    claims: tuple[str, ...]
    profile: str
    seed: int
    jobs: int
    examples: int
    shards: int
    resumed: int
    running: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShardFinished:
    """`done` of `total` are finished; what workers do next is `running`, in words."""

    measurement: str
    family: str
    examples: int
    done: int
    total: int
    running: tuple[str, ...] = ()


@dataclass(frozen=True)
class FurtherStarted:
    """The planned examples are done; so many seconds of the budget are left for further ones."""

    seconds: float


@dataclass(frozen=True)
class ShrinkStarted:
    """Of each falsified claim the worst instance, from which shrinking begins."""

    worst: tuple[Worst, ...]


@dataclass(frozen=True)
class CounterexampleLost:
    """Saving or shrinking a counterexample failed, in words; the verdict stands."""

    claim: str
    message: str


@dataclass(frozen=True)
class ClaimJudged:
    result: ClaimResult


@dataclass(frozen=True)
class AssumptionSearched:
    """Whether an assumption is needed: an entry of the results of `verify.necessity`."""

    entry: dict[str, Any]


@dataclass(frozen=True)
class RunFinished:
    """`data` is the result as results.json holds it, made once for all listeners."""

    result: RunResult
    data: dict[str, Any]


Event = (
    RunStarted
    | ShardFinished
    | FurtherStarted
    | ShrinkStarted
    | CounterexampleLost
    | ClaimJudged
    | AssumptionSearched
    | RunFinished
)
Listener = Callable[[Event], Any]
