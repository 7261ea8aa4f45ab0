"""The table with a picture of each counterexample: a section of a report, or a page by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from theory.problem import Problem
from verify.atomic import write_json, write_text
from verify.environment import describe_environment
from verify.instances import FlowInstance, Violation, WithBias, instance_from_json
from verify.necessity.conclusions import FAILURE
from verify.necessity.picture import pair_plots
from verify.necessity.words import evidence
from verify.report.pages import environment
from verify.report.svg import Plot
from verify.report.words import number, slug

SCHEMA = 1

NETS = {"TwoLayer": "two-layer net", "Diagonal": "diagonal net"}


@dataclass(frozen=True)
class Shown:
    """One counterexample: its entry in the results, and what is made from it."""

    assumption: str
    conclusion: str
    anchor: str
    counterexample: Mapping[str, Any]
    words: tuple[str, str]
    plots: tuple[Plot, ...]


def write_page(results: Mapping[str, Any], command: str, folder: Path) -> Path:
    """Write necessity.json and necessity.html in the folder; returns the path of the page."""
    made = {"schema": SCHEMA, "command": command, "environment": describe_environment(), **results}
    write_json(folder / "necessity.json", made)
    path = folder / "necessity.html"
    write_text(path, _render("necessity.html.j2", made))
    return path


def section(results: Mapping[str, Any]) -> Markup:
    """What `run_necessity` has found, for a page that has the report's style sheet."""
    return Markup(_render("necessity-section.html.j2", results))


def _render(template: str, results: Mapping[str, Any]) -> str:
    shown = [
        _shown(entry["assumption"], finding)
        for entry in results["assumptions"]
        for finding in entry["conclusions"]
        if finding["counterexample"] is not None
    ]
    return _environment().get_template(template).render(results=results, shown=shown)


def _shown(assumption: str, finding: Mapping[str, Any]) -> Shown:
    counterexample = finding["counterexample"]
    pair = instance_from_json(counterexample["pair"])
    assert isinstance(pair, Violation)
    anchor = _anchor(assumption, finding["conclusion"])
    return Shown(
        assumption,
        finding["conclusion"],
        anchor,
        counterexample,
        (in_words(pair.violating), in_words(pair.restored)),
        pair_plots(pair, anchor),
    )


def _anchor(assumption: str, conclusion: str) -> str:
    return slug(f"necessity-{assumption}-{conclusion}").replace(".", "-")


def in_words(instance: FlowInstance) -> str:
    """Net, data and regime in one line."""
    problem, regime = instance.problem, instance.regime
    samples = "1 sample" if problem.samples == 1 else f"{problem.samples} samples"
    return (
        f"{_net(problem)} of degree {problem.degree}, {problem.parameters} parameters, {samples}, "
        f"{problem.loss} loss, log₁₀ α = {number(regime.log10_alpha, 4)}, "
        f"log₁₀ λ = {number(regime.log10_lambda, 4)}, c = {number(instance.c, 3)}"
    )


def _net(problem: Problem) -> str:
    net, bias = problem.net, ""
    if isinstance(net, WithBias):
        net, bias = net.net, " with an output bias"
    activation = getattr(net, "activation", "")
    named = NETS.get(type(net).__name__, type(net).__name__)
    return f"{named}{f' ({activation})' if activation else ''}{bias}"


@cache
def _environment() -> Environment:
    made = environment()
    made.globals.update(evidence=evidence, anchor=_anchor, failure=FAILURE)
    return made
