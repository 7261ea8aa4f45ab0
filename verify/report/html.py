"""index.html: the run as one self-contained page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.events import Event, RunFinished
from verify.instances import read_json
from verify.necessity.page import section as necessity_section
from verify.report import words
from verify.report.cited import Citation, cited, index_of, median
from verify.report.forest import Forest, forest
from verify.report.histograms import histograms
from verify.report.mathml import formulas
from verify.report.pages import environment
from verify.report.plots import ladder_plot
from verify.report.svg import Plot
from verify.report.trajectories import classification_flow, data_plot, trajectory_plot

MOST_LISTED = 150
"""Instances of a claim in its list: the first, and all that are cited. The rest is in the results
file."""


@dataclass(frozen=True)
class HtmlReport:
    """Listener that writes `folder`/index.html."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            page = render(event.data, self.folder)
            write_text(self.folder / "index.html", page)


@dataclass(frozen=True)
class Section:
    """A claim as the page shows it: its entry in results.json, and what is made from it.

    Attributes:
        cited: the instances with a file of their own, by index.
        worst, median: their indices.
        trajectory: of the worst instance, or of the median one.
        counterexample: its JSON where its file is there, with pictures of it.
        listed: the instances in the list, by index.
    """

    anchor: str
    claim: Mapping[str, Any]
    formulas: list[Markup] | None
    reasons: list[str]
    ratio: float | None
    rejected: int
    plots: list[Plot]
    histograms: list[Plot]
    forest: Forest | None
    cited: dict[int, Citation]
    worst: int | None
    median: int | None
    trajectory: tuple[int, Plot] | None
    counterexample: tuple[Mapping[str, Any], list[Plot]] | None
    listed: list[tuple[int, Mapping[str, Any]]]
    unmeasured: list[tuple[int, Mapping[str, Any]]]

    @property
    def as_expected(self) -> bool:
        return bool(self.claim["verdict"] == self.claim["expected"])

    def index_of(self, instance: Mapping[str, Any]) -> int | None:
        """Where an instance stands among the claim's."""
        return index_of(self.claim, instance)

    def has(self, index: int | None) -> bool:
        """Whether the list holds this instance, so that a number may link to it."""
        return any(index == listed for listed, _ in self.listed)


def render(results: dict[str, Any], folder: Path = Path()) -> str:
    """The page for a results.json, as one string without any reference outside itself.

    Args:
        folder: the report's, where cited instances and counterexamples lie.
    """
    sections = [
        _section(claim, f"p{position}", folder) for position, claim in enumerate(results["claims"])
    ]
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            results=results,
            summary=words.summary(results),
            exit_meaning=words.EXIT_STATUS.get(results["exit_status"], "unknown"),
            groups=_groups(sections),
            sections=sections,
            necessity=_necessity(results),
            all_rates=forest([rate for section in sections for rate in _rates(section)], 2.0),
        )
    )


def _necessity(results: dict[str, Any]) -> Markup | None:
    found = results.get("necessity")
    return None if found is None else necessity_section(found)


def _rates(section: Section) -> Iterator[dict[str, Any]]:
    """Rates that know their claim, for the plot of all."""
    for rate in section.claim["rates"]:
        yield {**rate, "section": section}


def _section(claim: dict[str, Any], key: str, folder: Path) -> Section:
    worst = None if claim["worst"] is None else index_of(claim, claim["worst"]["instance"])
    shown = worst if claim["verdict"] == "falsified" else None
    ladders = claim["ladders"]
    plots = [ladder_plot(ladder, f"{key}l{k}", shown) for k, ladder in enumerate(ladders)]
    files = cited(claim, folder)
    every = list(enumerate(claim["instances"]))
    return Section(
        anchor=f"claim-{words.slug(claim['id'])}",
        claim=claim,
        formulas=formulas(claim["statement"]),
        reasons=words.reasons(claim),
        ratio=words.ratio(claim["worst"]),
        rejected=sum(rival["rejected"] for rival in claim["rivals"]),
        plots=[plot for plot in plots if plot is not None],
        histograms=histograms(claim["instances"], f"{key}h"),
        forest=forest(claim["rates"]),
        cited=files,
        worst=worst,
        median=median(claim),
        trajectory=_trajectory(claim, (worst, median(claim)), key),
        counterexample=_counterexample(claim["counterexample"], key),
        listed=[(k, entry) for k, entry in every if k < MOST_LISTED or k in files],
        unmeasured=[(k, entry) for k, entry in every if entry["outcome"] != "measured"],
    )


def _trajectory(
    claim: dict[str, Any], indices: tuple[int | None, ...], key: str
) -> tuple[int, Plot] | None:
    """The first of these instances whose flow can be drawn."""
    for index in indices:
        if index is None:
            continue
        flow = classification_flow(claim["instances"][index]["instance"])
        plot = None if flow is None else trajectory_plot(flow, f"{key}t")
        if plot is not None:
            return index, plot
    return None


def _counterexample(
    entry: Mapping[str, Any] | None, key: str
) -> tuple[Mapping[str, Any], list[Plot]] | None:
    if entry is None:
        return None
    try:
        saved = read_json(Path(entry["instance"]))
    except InvalidInput:
        return None
    if not isinstance(saved, Mapping):
        return None
    flow = classification_flow(saved)
    if flow is None:
        return saved, []
    course = trajectory_plot(flow, f"{key}c")
    return saved, [data_plot(flow, f"{key}d"), *([course] if course else [])]


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
    made = environment()
    made.filters.update(
        share=words.share,
        counterexample=words.counterexample,
        decimals=words.decimals,
        duration=words.duration,
        instance_name=words.instance_name,
        instance_json=words.instance_json,
    )
    made.globals["counted"] = words.counted
    return made
