"""`diagnose`: a module, its data and the checkpoints of its training, measured against theory."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from threadpoolctl import threadpool_limits

from theory.errors import InvalidInput, NumericalFailure
from theory.nets.base import single_thread
from theory.observed import Observed, at_state, check_function, observed_module, rows_of
from theory.observed.net import as_matrix
from verify.diagnose.cache import Cache, digest, function_digest, tensor_digest
from verify.diagnose.data import Data, as_tensors, check_size
from verify.diagnose.measure import Say, accuracy, measure, nothing
from verify.diagnose.options import Options
from verify.diagnose.report import report
from verify.diagnose.start import Start
from verify.diagnose.states import Found, State, listed_states

Progress = Callable[[int, int, str], None]
"""Told how many checkpoints are done, how many there are, and what runs now."""

SMALL: Final = 10**7
"""Samples times parameters up to which threads have nothing to gain."""

Entry = dict[str, Any]
Spread = Callable[[Options, State, Sequence[State]], Iterable[tuple[str, Entry | None]]]
"""Measures states elsewhere, of the options and the start: each entry as it is done, with the name
that `name_of` gives it there, or None for what could not be measured."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found; `data` is the object of `diagnose --json`."""

    data: dict[str, Any] = field(repr=False)

    @property
    def verdict(self) -> str:
        return str(self.data["verdict"])

    @property
    def checkpoints(self) -> list[dict[str, Any]]:
        return list(self.data["checkpoints"])

    def write_html(self, path: Path | str) -> None:
        """One page that needs no network."""
        from verify.diagnose.page import write_page

        write_page(self.data, Path(path))

    def write_plot(self, path: Path | str) -> None:
        """The curves of the page, as SVG, PNG or PDF by the file's ending."""
        from verify.diagnose.page import write_plot

        write_plot(self.data, Path(path))

    def write_csv(self, path: Path | str) -> None:
        """A line for each checkpoint."""
        from verify.diagnose.table import write_table

        write_table(self.data, Path(path))


def diagnose(
    model: Any,
    inputs: Any,
    labels: Any,
    checkpoints: str | Path | Sequence[Any],
    *,
    test: tuple[Any, Any] | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], object] = warnings.warn,
    spread: Spread | None = None,
    **options: Any,
) -> Diagnosis:
    """Measure the checkpoints of a run.

    Args:
        model: a `torch.nn.Module`; it is copied, its own weights do not count.
        inputs: `(n, ...)`, what it was trained on.
        labels: `(n,)`, -1 and +1 (or 0 and 1) for one output, classes for several, targets for the
            squared loss.
        checkpoints: a pattern of files, files, or state dictionaries, in order of training.
        test: inputs and labels that were not trained on, for their accuracy.
        cache: a folder for what was measured, so that an interrupted call resumes.
        progress: told what runs.
        warn: told, once, that the cache cannot be written.
        spread: measures checkpoints elsewhere, as `verify.diagnose.elsewhere` does; here, one after
            the other, without it.
        options: see `Options`.

    Raises:
        InvalidInput: naming the argument; where no checkpoint can be used, the reason of the first.
    """
    asked = _options(options)
    states = list(listed_states(model, checkpoints, asked.trusted))
    held = None if test is None else Data(*test)
    run = Run(model, Data(inputs, labels), asked, held, cache, warn)
    with run.threads():
        return run.diagnosis(states, progress, spread)


def _options(given: Mapping[str, Any]) -> Options:
    known = set(Options.__dataclass_fields__)
    if unknown := set(given) - known:
        raise InvalidInput(
            f"{sorted(unknown)[0]} is no option; there are {', '.join(sorted(known))}"
        )
    lists: dict[str, Any] = {
        k: _names(v) if k in ("layers", "without") else v for k, v in given.items()
    }
    return Options(**lists)


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


class Run:
    """Model, data and options of one call."""

    def __init__(
        self,
        model: Any,
        data: Data,
        options: Options,
        test: Data | None = None,
        cache: Path | None = None,
        warn: Callable[[str], object] = warnings.warn,
    ) -> None:
        import torch

        embeds = any(isinstance(m, torch.nn.Embedding) for m in model.modules())
        self.inputs, self.labels = as_tensors(data, options.device, embeds)
        self.test = None if test is None else as_tensors(test, options.device, embeds)
        self.net = observed_module(model, options.layers, options.without, options.device)
        self.options, self.folder, self.warn = options, cache, warn

    @contextmanager
    def threads(self) -> Iterator[None]:
        """One where the work is small: on a busy machine two wait for each other."""
        if len(self.inputs) * self.net.parameters > SMALL:
            yield
            return
        with single_thread(), threadpool_limits(1):
            yield

    def observed(self, state: State) -> Observed:
        """The net at a state, tried out.

        Raises:
            InvalidInput: it does not fit, or the module does not run on the data.
        """
        import torch

        net, theta = at_state(self.net, state.weights)
        with torch.no_grad():
            try:
                outputs = net.call(net.parts(theta), self.inputs[:2])
            except Exception as error:
                raise InvalidInput(
                    f"model fails on inputs of shape {tuple(self.inputs[:2].shape)}: {error}"
                ) from error
        width = as_matrix(outputs, len(self.inputs[:2])).shape[1]
        found = Observed(net, theta, self.inputs, rows_of(self.labels, width, self.options.loss))
        check_function(found)
        check_size("model's output", found.outputs())
        return found

    def diagnosis(
        self, states: Sequence[Found], progress: Progress | None, spread: Spread | None = None
    ) -> Diagnosis:
        told = progress or (lambda done, total, words: None)
        first, start = self._start(states)
        cache = self.cache(first)
        if spread is not None:
            self._measure_elsewhere(spread, first, states, cache, told)
        entries: list[Entry] = []
        for done, (name, state) in enumerate(states):

            def say(words: str, done: int = done, name: str = name) -> None:
                told(done, len(states), f"{name}: {words}")

            try:
                if isinstance(state, InvalidInput):
                    raise state
                say("read")
                observed = start.observed if state is first else self.observed(state)
                entry = self._entry(state, observed, start, cache, say)
                entries.append({**entry, "test_accuracy": self._test_accuracy(observed)})
            except (InvalidInput, NumericalFailure) as error:
                entries.append(nothing(name, str(error)))
        told(len(states), len(states), "t_g and the transition")
        return Diagnosis(report(start, entries))

    def _start(self, states: Sequence[Found]) -> tuple[State, Start]:
        """The first usable checkpoint.

        Raises:
            InvalidInput: there is none; the reason of the first.
        """
        first_error: InvalidInput | None = None
        for name, state in states:
            try:
                if isinstance(state, InvalidInput):
                    raise state
                return state, Start(self.observed(state), state.step, state.time, self.options)
            except (InvalidInput, NumericalFailure) as error:
                first_error = first_error or InvalidInput(f"checkpoints: {name}: {error}")
        assert first_error is not None
        raise first_error

    def cache(self, start: State) -> Cache:
        """Of the entries of runs from this start."""
        return Cache(
            self.folder,
            tensor_digest(self.inputs),
            tensor_digest(self.labels),
            self.options,
            self.net.trained,
            start.digest,
            start.step,
            start.time,
            warn=self.warn,
        )

    def _entry(
        self, state: State, observed: Observed, start: Start, cache: Cache, say: Say
    ) -> Entry:
        name = name_of(state, observed, cache)
        if (kept := cache.get(name)) is not None:
            return {**kept, "file": state.name}
        entry = measure(state, observed, start, say)
        cache.put(entry, name)
        return entry

    def _measure_elsewhere(
        self,
        spread: Spread,
        start: State,
        states: Sequence[Found],
        cache: Cache,
        told: Progress,
    ) -> None:
        """Fill the cache; what cannot be measured there is left to be measured here."""
        waiting: dict[str, State] = {}
        for _, state in states:
            if isinstance(state, InvalidInput):
                continue
            try:
                name = name_of(state, self.observed(state), cache)
            except InvalidInput:
                continue
            if cache.get(name) is None:
                waiting[name] = state
        done = len(states) - len(waiting)
        told(done, len(states), f"{len(waiting)} elsewhere")
        for name, entry in spread(self.options, start, list(waiting.values())):
            if name not in waiting:
                raise InvalidInput(
                    "engine has workers that know another model, data or checkpoint under these "
                    "paths; restart them, or use a folder that all share"
                )
            if entry is not None:
                cache.put(entry, name)
            done += 1
            told(done, len(states), f"{len(states) - done} elsewhere")

    def _test_accuracy(self, observed: Observed) -> float | None:
        """The share of samples that were not trained on and are right; None without any."""
        if self.test is None:
            return None
        inputs, labels = self.test
        rows = rows_of(labels, observed.rows.outputs, self.options.loss)
        return accuracy(rows, Observed(observed.net, observed.theta, inputs, rows).values())


def name_of(state: State, observed: Observed, cache: Cache) -> str:
    """The name of its entry in the cache."""
    outputs = function_digest(observed.outputs())
    return cache.name(state.digest, state.step, state.time, digest(outputs))
