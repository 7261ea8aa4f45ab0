"""`diagnose`: a module, its data and the checkpoints of its training, measured against theory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput, NumericalFailure
from theory.observed import TURN, Observed, at_state, check_function, observed_module, rows_of
from theory.observed.net import as_matrix
from verify.diagnose.assumptions import assumptions
from verify.diagnose.cache import Cache, digest, function_digest, tensor_digest
from verify.diagnose.data import Data, as_tensors
from verify.diagnose.measure import Say, finite, measure, nothing
from verify.diagnose.options import Options
from verify.diagnose.scales import SCALES
from verify.diagnose.start import Start
from verify.diagnose.states import State, found_files, read_state, state_of
from verify.diagnose.verdict import regime, verdict

Progress = Callable[[int, int, str], None]
"""Told how many checkpoints are done, how many there are, and what runs now."""


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
    cache: Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Diagnosis:
    """Measure the checkpoints of a run.

    Args:
        model: a `torch.nn.Module`; it is copied, its own weights do not count.
        inputs: `(n, ...)`, what it was trained on.
        labels: `(n,)`, -1 and +1 (or 0 and 1) for one output, classes for several, targets for the
            squared loss.
        checkpoints: a pattern of files, files, or state dictionaries, in order of training.
        cache: a folder for what was measured, so that an interrupted call resumes.
        progress: told what runs.
        options: see `Options`.

    Raises:
        InvalidInput: naming the argument; where no checkpoint can be used, the reason of the first.
    """
    asked = _options(options)
    states = list(_states(model, checkpoints, asked))
    return _Run(model, Data(inputs, labels), asked, cache).diagnosis(states, progress)


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


Found = tuple[str, State | InvalidInput]


def _states(model: Any, checkpoints: Any, options: Options) -> Iterator[Found]:
    import torch

    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(f"model is {type(model).__name__}; it must be a torch.nn.Module")
    names = list(model.state_dict())
    listed = [checkpoints] if isinstance(checkpoints, (str, Path, Mapping)) else list(checkpoints)
    if not listed:
        raise InvalidInput("checkpoints is empty; give at least one")
    if all(isinstance(entry, (str, Path)) for entry in listed):
        listed = list(found_files([str(entry) for entry in listed]))
    found: list[Found] = []
    for k, entry in enumerate(listed):
        name = str(entry) if isinstance(entry, Path) else f"checkpoint {k}"
        try:
            state = (
                read_state(entry, names, options.trusted)
                if isinstance(entry, Path)
                else state_of(entry, name, names)
            )
            found.append((name, state))
        except InvalidInput as error:
            found.append((name, error))
    yield from sorted(found, key=_by_step)


def _by_step(found: Found) -> tuple[bool, float]:
    """In order of steps where they are known; what is unusable comes last."""
    state = found[1]
    if isinstance(state, InvalidInput):
        return True, 0.0
    return False, state.step if state.step is not None else -1.0


class _Run:
    """Model, data and options of one call."""

    def __init__(self, model: Any, data: Data, options: Options, cache: Path | None) -> None:
        import torch

        embeds = any(isinstance(m, torch.nn.Embedding) for m in model.modules())
        self.inputs, self.labels = as_tensors(data, options.device, embeds)
        self.net = observed_module(model, options.layers, options.without, options.device)
        self.options, self.folder = options, cache

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
        return found

    def diagnosis(self, states: Sequence[Found], progress: Progress | None) -> Diagnosis:
        told = progress or (lambda done, total, words: None)
        entries: list[dict[str, Any]] = []
        start: Start | None = None
        first_error: InvalidInput | None = None
        cache = Cache(None)
        for done, (name, state) in enumerate(states):

            def say(words: str, done: int = done, name: str = name) -> None:
                told(done, len(states), f"{name}: {words}")

            try:
                if isinstance(state, InvalidInput):
                    raise state
                say("read")
                observed = self.observed(state)
                if start is None:
                    start = Start(observed, state.step, state.time, self.options)
                    cache = self._cache(state)
                entries.append(self._entry(state, observed, start, cache, say))
            except (InvalidInput, NumericalFailure) as error:
                kept = InvalidInput(str(error))
                first_error = first_error or InvalidInput(f"checkpoints: {name}: {kept}")
                entries.append(nothing(name, str(error)))
        if start is None:
            assert first_error is not None
            raise first_error
        told(len(states), len(states), "t_g and the transition")
        return Diagnosis(self._report(start, entries))

    def _cache(self, start: State) -> Cache:
        return Cache(
            self.folder,
            tensor_digest(self.inputs),
            tensor_digest(self.labels),
            self.options,
            self.net.trained,
            start.digest,
            start.step,
            start.time,
        )

    def _entry(
        self, state: State, observed: Observed, start: Start, cache: Cache, say: Say
    ) -> dict[str, Any]:
        key = (state.digest, state.step, state.time, digest(function_digest(observed.outputs())))
        if (kept := cache.get(*key)) is not None:
            return {**kept, "file": state.name}
        entry = measure(state, observed, start, say)
        cache.put(entry, *key)
        return entry

    def _report(self, start: Start, entries: list[dict[str, Any]]) -> dict[str, Any]:
        reasons: dict[str, str] = {}

        def number(path: str, compute: Callable[[], float]) -> float | None:
            try:
                return finite(compute())
            except (InvalidInput, NumericalFailure) as error:
                reasons[path] = str(error)
                return None

        degree = start.degree
        if not degree.exact:
            reasons["net.degree"] = (
                "the net is not homogeneous in these parameters: <theta, grad f> = L f fails by "
                f"{degree.spread:.2g} relative"
            )
        t_g = number("t_g", lambda: start.grokking_time)
        transition = {
            "predicted": number("transition.predicted", lambda: start.transition_time),
            **turned(entries, reasons),
        }
        for entry in entries:
            entry["regime"] = regime(entry)
        rows = start.observed.rows
        return {
            "net": {
                "parameters": start.observed.parameters,
                "outputs": rows.outputs,
                "degree": degree.rounded if degree.exact else None,
                "layers": {
                    name: {"degree": finite(each.value), "exact": each.exact}
                    for name, each in start.layer_degrees.items()
                },
            },
            "data": {
                "samples": rows.samples,
                "classes": {"binary": 2, "classes": rows.outputs, "targets": None}[rows.kind],
                "loss": rows.loss,
                "kernel_samples": len(start.kernel_rows) // rows.slots,
            },
            "decay": self.options.decay,
            "step_size": self.options.step_size,
            "t_g": t_g,
            "transition": transition,
            "assumptions": assumptions(start),
            "verdict": verdict(entries, transition, t_g),
            "checkpoints": entries,
            "scales": SCALES,
            "reasons": reasons,
        }


def turned(entries: Sequence[dict[str, Any]], reasons: dict[str, str]) -> dict[str, float | None]:
    """When the weights had turned by `TURN`, linear between checkpoints, and the last time."""
    turn = cos(TURN)
    seen = [
        (entry["time"], entry["direction_cosine"])
        for entry in entries
        if entry["time"] is not None and entry["direction_cosine"] is not None
    ]
    reached = seen[-1][0] if seen else None
    for (before, high), (after, low) in pairwise(seen):
        if high > turn >= low:
            share = (high - turn) / (high - low)
            return {"observed": before + share * (after - before), "reached": reached}
    reasons["transition.observed"] = (
        f"the cosine with the start stays above {turn:.3f}"
        if seen
        else "time is not known: give --step-size, and checkpoints with a step"
    )
    return {"observed": None, "reached": reached}
