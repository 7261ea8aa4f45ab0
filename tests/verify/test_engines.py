"""Engines: the same results wherever shards run, also when workers are killed while they do."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import verify.engines.dask
import verify.runner
from theory.errors import AssumptionError, InvalidInput
from verify.catalogue import claim_named
from verify.counterexamples import Worst, given_up
from verify.engines import RETRIES, Work, started
from verify.engines.base import Lost
from verify.events import CounterexampleLost, Event, RunStarted, ShardFinished
from verify.report.results_file import ResultsFile
from verify.runner import run
from verify.shards import Shard, ShardResult, missing

Make = Callable[..., Any]

CLAIMS = ("loss-decomposition", "laziness-equivalence")
"""Cheap ones."""


def timeless(data: Any) -> Any:
    """Results without what the clock decides."""
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key != "seconds"}
    return [timeless(value) for value in data] if isinstance(data, list) else data


def shard(index: int, family: str = "any") -> Shard:
    return Shard("tiny", ("tiny",), family, index, index, 3)


def dying_work(folder: Path) -> Work:
    """Records each attempt; family "once" dies on its first one, "always" on every one.

    A closure, since worker processes cannot import a module of tests.
    """

    def work(shard: Shard) -> ShardResult:
        attempts = len(list(folder.glob(f"{shard.index}-*")))
        (folder / f"{shard.index}-{attempts}").touch()
        if shard.family == "always" or (shard.family == "once" and attempts == 0):
            os._exit(9)
        return ShardResult(shard, (), 100 + shard.index)

    return work


def installed(name: str) -> Any:
    """A parameter that is skipped where the engine is not installed, with the reason."""
    found = name == "loky" or _found(name)
    return pytest.param(
        name,
        marks=[pytest.mark.skipif(not found, reason=f"{name} is not installed")]
        + ([] if name == "loky" else [pytest.mark.slow]),
    )


def _found(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec("distributed" if name == "dask" else name) is not None


@pytest.mark.parametrize("engine", [installed("loky"), installed("dask"), installed("ray")])
def test_lost_worker_costs_only_its_shard(engine: str, tmp_path: Path) -> None:
    """One shard loses its worker once, another always: nothing is dropped, the rest is as ever."""
    shards = [shard(k, {1: "always", 4: "once"}.get(k, "any")) for k in range(8)]
    with started(engine, 2) as workers:
        assert workers.workers == 2
        found = list(workers.results(shards, dying_work(tmp_path)))
        again = list(workers.results([shard(9), shard(10)], dying_work(tmp_path)))
    assert {result.shard for result in found} == set(shards)
    assert len(found) == len(shards)
    for result in found:
        lost = result.shard.index == 1
        wanted = (3, 0) if lost else (0, 100 + result.shard.index)
        assert (result.missing, result.discarded) == wanted
    assert {result.shard for result in again} == {shard(9), shard(10)}
    attempts = {k: len(list(tmp_path.glob(f"{k}-*"))) for k in range(8)}
    assert attempts[1] >= 1 + RETRIES
    assert attempts[4] >= 2
    if engine == "loky":  # the others may lose finished results with a worker
        assert attempts == {k: {1: 1 + RETRIES, 4: 2}.get(k, 1) for k in range(8)}


def test_worker_that_dies_between_shards_costs_nothing() -> None:
    def name_process(shard: Shard) -> ShardResult:
        return ShardResult(shard, (), os.getpid())

    shards = [shard(0), shard(1)]
    with started("loky", 2) as workers:
        pids = {result.discarded for result in workers.results(shards, name_process)}
        assert len(pids) == 2
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        later = list(workers.results(shards, name_process))
    assert {result.shard for result in later} == set(shards)
    assert not {result.missing for result in later} - {0}


@pytest.mark.slow
def test_worker_that_has_grown_goes_on() -> None:
    """By what torch and compiled code take: a worker of its own for each of them costs seconds."""

    def grow(shard: Shard) -> ShardResult:
        if shard.index == 2:
            sys.modules["grown"] = bytes(400_000_000)  # type: ignore[assignment]
            time.sleep(1.2)  # loky looks once a second
        return ShardResult(shard, (), os.getpid())

    with started("loky", 2) as workers:
        found = [list(workers.results([shard(k), shard(k)], grow)) for k in range(4)]
    assert len({result.discarded for results in found for result in results}) == 2


def failing_work() -> Work:
    def work(shard: Shard) -> ShardResult:
        from theory.errors import AssumptionError

        raise AssumptionError("any", f"shard {shard.index} is no good")

    return work


@pytest.mark.parametrize("engine", [installed("loky"), installed("dask"), installed("ray")])
def test_error_in_a_worker_is_the_same_error_here(engine: str) -> None:
    with (
        started(engine, 2) as workers,
        pytest.raises(AssumptionError, match=r"shard \d is no good"),
    ):
        list(workers.results([shard(0), shard(1)], failing_work()))


@pytest.mark.parametrize("name", ["", "threads", "dask:", "dask://", "dask://host", "dask://h:x"])
def test_unknown_engine_lists_the_known(name: str) -> None:
    with pytest.raises(InvalidInput, match="loky, dask, dask://HOST:PORT, ray"), started(name, 2):
        pass


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("dask", "dask", "cluster"), ("dask://h:1", "distributed", "cluster"), ("ray", "ray", "ray")],
)
def test_engine_that_is_not_installed_says_how_to_install_it(
    name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInput, match=rf"theory-verify\[{extra}\]"), started(name, 2):
        pass


def test_command_with_an_engine_that_cannot_be_started_leaves_nothing(
    invoke: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = invoke("run", "--claim", CLAIMS[0], "--engine", "dask")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("error: engine is dask; it needs Dask")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not _found("dask"), reason="dask is not installed")
def test_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify.engines.dask, "REACHED_WITHIN", 0.3)
    with (
        pytest.raises(InvalidInput, match=r"dask://127\.0\.0\.1:9; it cannot be reached"),
        started("dask://127.0.0.1:9", 2),
    ):
        pass


class _Losing:
    """An engine that gives up on every shard of an index."""

    workers = 1

    def __init__(self, index: int | None) -> None:
        self.index = index

    def results(self, tasks: Sequence[Any], work: Work, lost: Lost = missing) -> Iterator[Any]:
        for task in tasks:
            yield lost(task) if _index(task) == self.index else work(task)


def _index(task: Shard | Worst) -> int:
    return task.index if isinstance(task, Shard) else task.shard.index


def losing(index: int | None) -> Callable[..., Any]:
    @contextmanager
    def engine(name: str, jobs: int) -> Iterator[_Losing]:
        del name, jobs
        yield _Losing(index)

    return engine


def test_missing_shards_are_inconclusive_and_run_again_by_the_same_command(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = tiny_claim(limit=1000.0)
    whole = timeless(run(plan(claim), ()).to_json())
    monkeypatch.setattr(verify.runner, "started", losing(1))
    events: list[Event] = []
    result = run(plan(claim), (events.append,))
    (entry,) = result.claims
    assert (entry.ruling.verdict, result.exit_status) == ("inconclusive", 3)
    assert entry.missing == 8  # two of each family of nets
    assert f"{entry.missing} instances are missing" in entry.words
    assert entry.to_json()["missing"] == entry.missing
    finished = sum(isinstance(event, ShardFinished) for event in events)
    monkeypatch.setattr(verify.runner, "started", losing(None))
    events.clear()
    assert timeless(run(plan(claim), (events.append,)).to_json()) == whole
    assert isinstance(events[0], RunStarted)
    assert 0 < events[0].resumed < events[0].shards == finished


def test_refuted_claim_stays_refuted_with_shards_missing(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify.runner, "started", losing(1))
    (entry,) = run(plan(tiny_claim(limit=3.0)), ()).claims
    assert entry.ruling.verdict == "falsified"
    assert entry.missing > 0


def test_worker_lost_while_shrinking_leaves_the_instance_as_it_was_drawn(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify.runner, "shrunk", given_up)
    events: list[Event] = []
    (entry,) = run(plan(tiny_claim(limit=3.0)), (events.append,)).claims
    assert entry.counterexample is not None
    assert not entry.counterexample.shrunk
    assert any(isinstance(event, CounterexampleLost) for event in events)


def test_everything_missing_is_inconclusive(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify.runner, "started", losing(0))
    folder = plan().folder
    result = run(plan(tiny_claim(), examples=4), (ResultsFile(folder),))
    assert (result.claims[0].ruling.verdict, result.exit_status) == ("inconclusive", 3)
    assert (folder / "results.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(not _found("dask"), reason="dask is not installed")
class TestDaskCluster:
    """A scheduler and two worker processes on this machine, reached by address."""

    @pytest.fixture
    def cluster(self) -> Iterator[Any]:
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=2,
            threads_per_worker=2,  # still one shard at a time in each
            processes=True,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
        ) as cluster:
            yield cluster

    def test_run_with_a_worker_killed_equals_that_of_one_process(
        self, cluster: Any, plan: Make, tmp_path: Path
    ) -> None:
        claims = [claim_named(name) for name in CLAIMS]
        alone = run(plan(*claims, examples=64, folder=tmp_path / "alone"), ())
        killed: list[int] = []

        def kill_a_worker(event: Event) -> None:
            if isinstance(event, ShardFinished) and event.done in (2, 5):
                pid = cluster.workers[len(killed)].pid
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

        address = cluster.scheduler_address.removeprefix("tcp://")
        spread = run(
            plan(*claims, examples=64, folder=tmp_path / "spread", engine=f"dask://{address}"),
            (kill_a_worker,),
        )
        assert len(killed) == 2
        assert timeless(spread.to_json()) == timeless(alone.to_json())
        assert all(entry.missing == 0 for entry in spread.claims)

    def test_workers_with_other_code_are_refused(
        self, cluster: Any, plan: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verify.engines.dask, "suite_fingerprint", lambda: "another")
        address = cluster.scheduler_address
        with pytest.raises(InvalidInput, match="another version"):
            run(plan(claim_named(CLAIMS[0]), engine=f"dask://{address}"), ())

    def test_interrupted_run_on_the_cluster_resumes_elsewhere(
        self, cluster: Any, plan: Make
    ) -> None:
        """Shards do not know the engine that ran them."""

        def interrupt(event: Event) -> None:
            if isinstance(event, ShardFinished) and event.done == 3:
                raise KeyboardInterrupt

        claim = claim_named(CLAIMS[0])
        whole = timeless(run(plan(claim), ()).to_json())
        with pytest.raises(KeyboardInterrupt):
            run(plan(claim, engine=f"dask://{cluster.scheduler_address}"), (interrupt,))
        events: list[Event] = []
        assert timeless(run(plan(claim), (events.append,)).to_json()) == whole
        assert isinstance(events[0], RunStarted)
        assert events[0].resumed == 3

    def test_scheduler_that_goes_away(self, cluster: Any, plan: Make) -> None:
        def close(event: Event) -> None:
            if isinstance(event, ShardFinished) and event.done == 1:
                cluster.close()

        with pytest.raises(InvalidInput, match="scheduler is gone; the same command resumes"):
            run(
                plan(claim_named(CLAIMS[0]), engine=f"dask://{cluster.scheduler_address}"), (close,)
            )
