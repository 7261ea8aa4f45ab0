"""Progress and verdicts on a terminal; plain lines where there is none."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from verify.alone import in_digits, ratio
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
from verify.necessity.words import lines_of
from verify.power import range_in_words
from verify.results import ClaimResult, RunResult

PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""

_COLUMNS = ("verdict", "examples", "open", "worst / bound", "rivals", "detects")

_COLOURS = {"holds": "green", "falsified": "red", "inconclusive": "yellow"}


class Terminal:
    """Listener that shows a progress bar, then a table; lines when the output is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self.console = console or Console(soft_wrap=True, highlight=False, width=width)
        self._progress: Progress | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._start(event)
            case ShardFinished():
                self._advance(event)
            case FurtherStarted():
                self._say(f"planned examples done; {event.seconds:.0f} s left for further ones")
            case ShrinkStarted():
                self._stop()
                refuted = (
                    f"refuted by {event.severity:.3g} times its bound"
                    if event.alone
                    else f"a rate is refuted, {event.severity:.3g} tolerances off at the most"
                )
                self._say(f"{event.claim}: {refuted}; shrinking (at most {event.tries} instances)")
            case CounterexampleLost():
                self._say(f"{event.claim}: its counterexample could not be kept: {event.message}")
            case ClaimJudged():
                self._stop()
                self._judged(event.result)
            case AssumptionSearched():
                for line in lines_of(event.entry):
                    self._say(line)
            case RunFinished():
                self._finish(event.result)

    def close(self) -> None:
        """Leave the terminal in order after an interruption."""
        self._stop()

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False)

    def _start(self, event: RunStarted) -> None:
        self._say(
            f"{len(event.claims)} claims, profile {event.profile}, {event.examples} examples each, "
            f"seed {event.seed}, {event.jobs} worker(s)"
        )
        if event.resumed:
            self._say(f"resuming: {event.resumed} of {event.shards} shards are done")
        if self.console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("shards"),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self._progress.start()
            self._progress.add_task("measuring", total=event.shards, completed=event.resumed)

    def _advance(self, event: ShardFinished) -> None:
        if self._progress is not None:
            self._progress.update(
                self._progress.task_ids[0],
                completed=event.done,
                total=event.total,
                description=f"measured {event.measurement} on {event.family}",
            )
        else:
            self._say(
                f"[{event.done}/{event.total}] {event.measurement} on {event.family}: "
                f"{event.examples} instances"
            )

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _judged(self, result: ClaimResult) -> None:
        if result.counterexample is not None:
            self._say(f"{result.claim.id}: replay with {result.counterexample.command}")
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
                )

    def _finish(self, result: RunResult) -> None:
        self._stop()
        table = Table(Column("claim", overflow="fold"), *_COLUMNS)
        for entry in result.claims:
            verdict = entry.ruling.verdict
            worst = entry.ruling.worst
            rejected = sum(rival.rejected for rival in entry.rivals)
            table.add_row(
                entry.claim.id,
                f"[{_COLOURS[verdict]}]{verdict}[/]{_note(entry)}",
                str(len(entry.evidence)),
                str(entry.ruling.undecided),
                "-"
                if worst is None
                else in_digits(ratio(worst))
                if worst.bound > 0
                else "-"
                if worst.value <= 0
                else f"{worst.value:.3g} / 0",
                f"{rejected} of {len(entry.rivals)} rejected",
                range_in_words(entry.power),
            )
        self.console.print(table)
        self._say(
            "detects: the smallest error in a constant of the theory that the run would have "
            "detected, of the best and of the worst constant"
        )
        judged = result.judgements
        self._say(
            f"judged: {judged['checks']} inequalities beyond their numerical errors, and "
            f"{judged['rates']} rates, of which chance alone refutes at most "
            f"{judged['false_refutations_by_rates']:.2g} before and "
            f"{judged['false_refutations_confirmed']:.2g} after confirmation"
        )
        self._say(f"seed {result.seed}, {result.seconds:.1f} s: {result.command}")


def _note(entry: ClaimResult) -> str:
    """What a verdict is qualified by."""
    if entry.standing != "tested":
        return f" ({entry.standing})"
    return "" if entry.expected else " (unexpected)"
