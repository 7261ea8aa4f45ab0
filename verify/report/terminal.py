"""Verdicts on stdout, as a table where it fits and claim by claim where not; progress on stderr."""

import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Column, Table

from verify.alone import in_digits, ratio
from verify.counterexamples import Worst
from verify.events import (
    AssumptionSearched,
    ClaimJudged,
    CounterexampleLost,
    Event,
    FurtherStarted,
    RunFinished,
    RunStarted,
    ShardFinished,
    ShrinkStarted,
)
from verify.language.law import Check
from verify.necessity.words import lines_of
from verify.power import range_in_words
from verify.progress import Progress
from verify.report.words import counted
from verify.results import ClaimResult, RunResult

PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""

WIDEST = 10_000
"""Columns in which no table is broken."""

_COLUMNS = ("verdict", "examples", "open", "worst / bound", "rivals", "detects")

_COLOURS = {"holds": "green", "falsified": "red", "inconclusive": "yellow"}


class Terminal:
    """Listener that tells of the run as it goes, and then of every claim.

    Args:
        progress: for another stream, or another clock.
    """

    def __init__(
        self, console: Console | None = None, progress: Callable[..., Progress] = Progress
    ) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self.console = console or Console(soft_wrap=True, highlight=False, width=width)
        self._begin = progress
        self._progress: Progress | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._start(event)
            case ShardFinished():
                self._reached(event.done, event.total, event.running)
            case FurtherStarted():
                self._say(f"planned examples done; {event.seconds:.0f} s left for further ones")
            case ShrinkStarted():
                self._shrink(event.worst)
            case CounterexampleLost():
                self._say(f"{event.claim}: {event.message}")
            case ClaimJudged():
                self._judged(event.result)
            case AssumptionSearched():
                self._now("which assumptions are needed")
                for line in lines_of(event.entry):
                    self._say(line)
            case RunFinished():
                self._finish(event.result)

    def close(self) -> None:
        """Leave the terminal in order after an interruption."""
        self._stop()

    def _say(self, line: str) -> None:
        if self._progress is not None:
            self._progress.clear()
        self.console.print(line, markup=False)

    def _start(self, event: RunStarted) -> None:
        self._say(
            f"{counted(len(event.claims), 'claim')}, profile {event.profile}, "
            f"{event.examples} examples each, seed {event.seed}, {counted(event.jobs, 'worker')}"
        )
        if event.resumed:
            self._say(f"resuming: {event.resumed} of {event.shards} shards are done")
        self._count("shards", event.shards, event.resumed)
        self._now(", ".join(event.running))

    def _reached(self, done: int, total: int, running: tuple[str, ...]) -> None:
        if self._progress is not None:
            self._progress.reached(done, total)
        self._now(", ".join(running) or "judging")

    def _shrink(self, worst: Sequence[Worst]) -> None:
        for one in worst:
            refuted = (
                f"refuted by {one.severity:.3g} times its bound"
                if one.alone
                else f"a rate is refuted, {one.severity:.3g} tolerances off at the most"
            )
            self._say(f"{one.claim}: {refuted}; shrinking (at most {one.tries} instances)")
        self._stop()
        self._count("counterexamples", len(worst))
        self._now("shrinking them")

    def _now(self, what: str) -> None:
        if self._progress is not None:
            self._progress.running(what)

    def _count(self, noun: str, total: int, done: int = 0) -> None:
        self._progress = self._begin(noun, total, done)
        self._progress.__enter__()

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
            self._progress = None

    def _judged(self, result: ClaimResult) -> None:
        if result.counterexample is not None:
            self._say(f"{result.claim.id}: replay with {result.counterexample.command}")
        if self._progress is not None and result.ruling.verdict == "falsified":
            self._progress.advance()
        for rival in result.rivals:
            if not rival.rejected:
                self._say(f"{result.claim.id}: rival {rival.id} was not rejected")
        if result.ruling.verdict == "inconclusive":
            for told in result.ruling.shortfalls:
                self._say(f"{result.claim.id}: {told}")
        for rate in result.ruling.rates:
            if rate.judgement in ("refuted", "undecided", "scattered"):
                self._say(
                    f"{result.claim.id}: rate '{rate.name}' {rate.judgement}: fitted "
                    f"{rate.fitted:.4g} in [{rate.low:.4g}, {rate.high:.4g}] from {rate.samples} "
                    f"instances, predicted {rate.predicted:.4g} +- {rate.tolerance:.2g}"
                    f"{rate.scatter}"
                )

    def _one_by_one(self, *row: str) -> None:
        """A claim in lines, on a terminal that is too narrow for the table."""
        name, verdict, colour, examples, undecided, worst, rivals, detects = row
        self.console.print(f"{name}: [{colour}]{verdict}[/]", soft_wrap=False)
        told = (
            f"{examples} examples, {undecided} open; worst / bound {worst}",
            f"rivals: {rivals}; detects {detects}",
        )
        for line in told:
            self.console.print(Padding(line, (0, 0, 0, 2)), markup=False, soft_wrap=False)

    def _finish(self, result: RunResult) -> None:
        self._stop()
        rows = [_row(entry) for entry in result.claims]
        table = Table(Column("claim", overflow="fold"), *_COLUMNS)
        for name, verdict, colour, *cells in rows:
            table.add_row(name, f"[{colour}]{verdict}[/]", *cells)
        if _width(table, self.console) <= self.console.width:
            self.console.print(table)
        else:
            for row in rows:
                self._one_by_one(*row)
        self._say(
            "detects: the smallest error in a constant of the theory that the run would have "
            "detected, of the best and of the worst constant"
        )
        judged = result.judgements
        self._say(
            f"judged: {counted(judged['checks'], 'inequality', 'inequalities')} beyond their "
            f"numerical errors, and {counted(judged['rates'], 'rate')}, of which chance alone "
            "refutes at most "
            f"{judged['false_refutations_by_rates']:.2g} before and "
            f"{judged['false_refutations_confirmed']:.2g} after confirmation"
        )
        close = result.close_calls
        if close:
            claim, law = close[0]
            self._say(
                f"close: {counted(len(close), 'bound')} that nothing proves kept by less than "
                f"values scatter, the closest {in_digits(law.largest or 0.0)} of '{law.id}' of "
                f"{claim}; other instances may go beyond"
            )
        self._say(f"seed {result.seed}, {result.seconds:.1f} s: {result.command}")


def _row(entry: ClaimResult) -> tuple[str, ...]:
    """Claim, verdict with its note, its colour, then the other columns."""
    ruling = entry.ruling
    rejected = sum(rival.rejected for rival in entry.rivals)
    return (
        entry.claim.id,
        f"{ruling.verdict}{_note(entry)}",
        _COLOURS[ruling.verdict],
        str(len(entry.evidence)),
        str(ruling.undecided),
        _worst(ruling.worst),
        f"{rejected} of {len(entry.rivals)} rejected",
        range_in_words(entry.power),
    )


def _worst(worst: Check | None) -> str:
    if worst is None or (worst.bound <= 0 and worst.value <= 0):
        return "-"
    return in_digits(ratio(worst)) if worst.bound > 0 else f"{worst.value:.3g} / 0"


def _width(table: Table, console: Console) -> int:
    """Columns that a table takes where no cell is broken."""
    unbounded = console.options.update(max_width=WIDEST)
    return Measurement.get(console, unbounded, table).maximum


def _note(entry: ClaimResult) -> str:
    """What a verdict is qualified by."""
    if entry.standing != "tested":
        return f" ({entry.standing})"
    return "" if entry.expected else " (unexpected)"
