"""Every file that a run leaves in its report folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.compare import read_results
from verify.events import Event, RunFinished
from verify.report.badge import badge
from verify.report.cited import InstanceFiles
from verify.report.exchange import ExchangeFile
from verify.report.html import HtmlReport
from verify.report.junit import junit
from verify.report.latex import document, tables
from verify.report.markdown import markdown
from verify.report.results_file import ResultsFile

BASELINE = Path("reports/baseline.json")
"""What report.md compares with, where it is there."""


@dataclass(frozen=True)
class ReportFile:
    """Listener that writes one file when the run ends, from what is in results.json."""

    path: Path
    text: Callable[[dict[str, Any]], str]

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.write(event.data)

    def write(self, results: dict[str, Any]) -> None:
        write_text(self.path, self.text(results))


class Writer(Protocol):
    """A listener that can also write from results that were read."""

    def __call__(self, event: Event) -> None: ...

    def write(self, results: dict[str, Any]) -> None: ...


def report_files(folder: Path, baseline: Path = BASELINE) -> tuple[Writer, ...]:
    """The listeners that fill `folder`: results.json first, then what is made from it."""
    return (
        ResultsFile(folder),
        InstanceFiles(folder),
        ExchangeFile(folder),
        ReportFile(folder / "junit.xml", junit),
        ReportFile(folder / "badge.svg", badge),
        ReportFile(folder / "tables.tex", tables),
        ReportFile(folder / "report.tex", lambda results: document()),
        ReportFile(
            folder / "report.md", lambda results: markdown(results, folder, earlier(baseline))
        ),
        HtmlReport(folder),
    )


def write_report(results: dict[str, Any], folder: Path, baseline: Path = BASELINE) -> None:
    """Fill `folder` from the results of an earlier run."""
    for writer in report_files(folder, baseline):
        writer.write(results)


def earlier(path: Path) -> dict[str, Any] | None:
    """The results of an earlier run, None where there are none that can be compared with."""
    try:
        return read_results(path)
    except InvalidInput:
        return None
