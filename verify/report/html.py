"""index.html: the run as one self-contained page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.events import Event, RunFinished
from verify.instances import read_json
from verify.mathml import formulas
from verify.necessity.page import section as necessity_section
from verify.registry import registry
from verify.report import words
from verify.report.cited import Citation, cited, index_of, median
from verify.report.digest import Digest, digest
from verify.report.forest import Forest, forest
from verify.report.histograms import histograms
from verify.report.pages import environment
from verify.report.plots import ladder_plot
from verify.report.portable import counterexample_path, replay_command
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
            self.write(event.data)

    def write(self, results: dict[str, Any]) -> None:
        write_text(self.folder / "index.html", render(results, self.folder))


@dataclass(frozen=True)
class Fallen:
    """A saved counterexample, as named from the report's folder; `saved` is None without a file."""

    link: str
    command: str
    saved: Mapping[str, Any] | None
    pictures: list[Plot]


@dataclass(frozen=True)
class Notation:
    """A theory with its symbols."""

    key: str
    title: str
    about: str
    symbols: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A claim as the page shows it: its entry in results.json, and what is made from it.

    Attributes:
        cited: the instances with a file of their own, by index.
        worst, median: their indices.
        trajectory: of the worst instance, or of the median one.
        family: a key of the registry; empty for a claim of another project.
        noted: whether the page has the symbols of its family.
        listed: the instances in the list, by index.
    """

    anchor: str
    claim: Mapping[str, Any]
    family: str
    family_title: str
    tags: str
    noted: bool
    digest: Digest
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
    fallen: Fallen | None
    listed: list[tuple[int, Mapping[str, Any]]]
    unmeasured: list[tuple[int, Mapping[str, Any]]]

    @property
    def as_expected(self) -> bool:
        return bool(self.claim["verdict"] == self.claim["expected"])

    @property
    def close(self) -> list[dict[str, Any]]:
        """Bounds that nothing proves and that values came close to, where the claim holds."""
        if self.claim["verdict"] != "holds":
            return []
        return [bound for bound in self.claim["bounds"] if bound.get("close")]

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
        environment()
        .get_template("index.html.j2")
        .render(
            results=results,
            summary=words.summary(results),
            exit_meaning=words.EXIT_STATUS.get(results["exit_status"], "unknown"),
            groups=_groups(sections),
            sections=sections,
            necessity=_necessity(results),
            close=_close(sections),
            families=_families(sections),
            notation=_notation(sections),
            all_rates=forest([rate for section in sections for rate in _rates(section)], 2.0),
        )
    )


def _necessity(results: dict[str, Any]) -> Markup | None:
    found = results.get("necessity")
    return None if found is None else necessity_section(found)


def _close(sections: list[Section]) -> list[tuple[Section, dict[str, Any]]]:
    """What came close to its bound, with its section, the closest first."""
    found = [(section, bound) for section in sections for bound in section.close]
    return sorted(found, key=lambda pair: -float(pair[1]["largest_ratio"]))


def _rates(section: Section) -> Iterator[dict[str, Any]]:
    """Rates that know their claim, for the plot of all."""
    for rate in section.claim["rates"]:
        yield {**rate, "section": section}


def _section(claim: dict[str, Any], key: str, folder: Path) -> Section:
    worst = None if claim["worst"] is None else index_of(claim, claim["worst"]["instance"])
    shown = worst if claim["verdict"] == "falsified" else None
    ladders = claim["ladders"]
    files = cited(claim, folder)
    every = list(enumerate(claim["instances"]))
    listed = [(k, entry) for k, entry in every if k < MOST_LISTED or k in files]
    anchor = f"claim-{words.slug(claim['id'])}"
    links = {index: f"#{anchor}-i{index}" for index, _ in listed}
    plots = [ladder_plot(ladder, f"{key}l{k}", shown, links) for k, ladder in enumerate(ladders)]
    known = registry()
    entry = known.claims.get(claim["id"])
    family = "" if entry is None else entry.family
    return Section(
        anchor=anchor,
        claim=claim,
        family=family,
        family_title="" if entry is None else known.families[family].title,
        tags="" if entry is None else " ".join(known.tags_of(claim["id"])),
        noted=entry is not None and bool(known.notation_of(family)),
        digest=digest(claim),
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
        fallen=_fallen(claim, folder, key),
        listed=listed,
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


def _fallen(claim: dict[str, Any], folder: Path, key: str) -> Fallen | None:
    entry = claim["counterexample"]
    if entry is None:
        return None
    path = counterexample_path(entry, folder)
    command = replay_command(path, claim.get("module"), folder)
    try:
        saved = read_json(folder / path)
    except InvalidInput:
        saved = None
    if not isinstance(saved, Mapping):
        return Fallen(path.as_posix(), command, None, [])
    flow = classification_flow(saved)
    pictures = []
    if flow is not None:
        course = trajectory_plot(flow, f"{key}c")
        pictures = [data_plot(flow, f"{key}d"), *([course] if course else [])]
    return Fallen(path.as_posix(), command, saved, pictures)


def _families(sections: list[Section]) -> list[tuple[str, str]]:
    """Keys and titles of the theories on the page, each once, by title."""
    found = {section.family: section.family_title for section in sections if section.family}
    return sorted(found.items(), key=lambda pair: pair[1])


def _notation(sections: list[Section]) -> list[Notation]:
    """The symbols of each theory on the page."""
    known = registry()
    return [
        Notation(key, title, known.families[key].about, listed)
        for key, title in _families(sections)
        if (listed := known.notation_of(key))
    ]


def _groups(sections: list[Section]) -> list[tuple[str, str, list[Section]]]:
    """Statements that should hold, then those kept in the suite because they do not."""
    theorems = [section for section in sections if section.claim["expected"] == "holds"]
    refuted = [section for section in sections if section.claim["expected"] != "holds"]
    groups = [
        ("theorems", "Theorems", theorems),
        ("refuted-statements", "Refuted statements", refuted),
    ]
    return [group for group in groups if group[2]]
