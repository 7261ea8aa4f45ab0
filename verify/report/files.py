"""Every file that a run leaves in its report folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.compare import read_results
from verify.events import Event, Listener, RunFinished
from verify.report.badge import badge
from verify.report.cited import InstanceFiles
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
            write_text(self.path, self.text(event.data))


def report_files(folder: Path, baseline: Path = BASELINE) -> tuple[Listener, ...]:
    """The listeners that fill `folder`: results.json first, then what is made from it."""
    return (
        ResultsFile(folder),
        InstanceFiles(folder),
        ReportFile(folder / "junit.xml", junit),
        ReportFile(folder / "badge.svg", badge),
        ReportFile(folder / "tables.tex", tables),
        ReportFile(folder / "report.tex", lambda results: document()),
        ReportFile(
            folder / "report.md", lambda results: markdown(results, folder, earlier(baseline))
        ),
        HtmlReport(folder),
    )


def earlier(path: Path) -> dict[str, Any] | None:
    """The results of an earlier run, None where there are none that can be compared with."""
    try:
        return read_results(path)
    except InvalidInput:
        return None
