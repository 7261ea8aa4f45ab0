"""index.html: the run as one self-contained page."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verify.atomic import write_text
from verify.events import Event, RunFinished
from verify.report import words
from verify.report.mathml import formulas
from verify.report.plots import Plot, ladder_plot, rates_plot


@dataclass(frozen=True)
class HtmlReport:
    """Listener that writes `folder`/index.html."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            write_text(self.folder / "index.html", render(event.result.to_json()))


@dataclass(frozen=True)
class Section:
    """A claim as the page shows it: its entry in results.json, and what is made from it."""

    anchor: str
    claim: Mapping[str, Any]
    formulas: list[Markup] | None
    reasons: list[str]
    ratio: float | None
    rejected: int
    plots: list[Plot]
    rates_plot: Plot | None
    unmeasured: list[tuple[int, Mapping[str, Any]]]

    @property
    def as_expected(self) -> bool:
        return bool(self.claim["verdict"] == self.claim["expected"])


def render(results: dict[str, Any]) -> str:
    """The page for a results.json, as one string without any reference outside itself."""
    sections = list(_sections(results["claims"]))
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            results=results,
            summary=words.summary(results),
            exit_meaning=words.EXIT_STATUS.get(results["exit_status"], "unknown"),
            groups=_groups(sections),
            sections=sections,
        )
    )


def _sections(claims: list[dict[str, Any]]) -> Iterator[Section]:
    for position, claim in enumerate(claims):
        key = f"p{position}"
        plots = [ladder_plot(ladder, f"{key}l{k}") for k, ladder in enumerate(claim["ladders"])]
        yield Section(
            anchor="claim-" + re.sub(r"[^\w.-]", "-", claim["id"]),
            claim=claim,
            formulas=formulas(claim["statement"]),
            reasons=words.reasons(claim),
            ratio=words.ratio(claim["worst"]),
            rejected=sum(rival["rejected"] for rival in claim["rivals"]),
            plots=[plot for plot in plots if plot is not None],
            rates_plot=rates_plot(claim["rates"], f"{key}r"),
            unmeasured=[
                (index, entry)
                for index, entry in enumerate(claim["instances"])
                if entry["outcome"] != "measured"
            ],
        )


def _groups(sections: list[Section]) -> list[tuple[str, str, list[Section]]]:
    """Statements that should hold, then those kept in the suite because they do not."""
    theorems = [section for section in sections if section.claim["expected"] == "holds"]
    refuted = [section for section in sections if section.claim["expected"] != "holds"]
    groups = [
        ("theorems", "Theorems", theorems),
        ("refuted-statements", "Refuted statements", refuted),
    ]
    return [group for group in groups if group[2]]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        number=words.number,
        share=words.share,
        typeset=words.typeset,
        decimals=words.decimals,
        duration=words.duration,
        instance_name=words.instance_name,
        instance_json=words.instance_json,
    )
    environment.globals["counted"] = words.counted
    return environment
