"""The table with a picture of each counterexample: a section of a report, or a page by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from theory.problem import Problem
from verify.atomic import write_json, write_text
from verify.environment import describe_environment
from verify.instances import FlowInstance, WithBias
from verify.necessity.judged import FAILURE
from verify.necessity.picture import pair_plots
from verify.necessity.words import evidence, rest_of
from verify.report.pages import environment
from verify.report.svg import Plot
from verify.report.words import number, slug

SCHEMA = 2

NETS = {"TwoLayer": "two-layer net", "Diagonal": "diagonal net"}


@dataclass(frozen=True)
class Shown:
    """One counterexample: its entry in the results, and what is made from it."""

    assumption: str
    claim: str
    anchor: str
    counterexample: Mapping[str, Any]
    words: tuple[str, ...]
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
        for finding in entry["claims"]
        if finding["counterexample"] is not None
    ]
    return _environment().get_template(template).render(results=results, shown=shown)


def _shown(assumption: str, finding: Mapping[str, Any]) -> Shown:
    counterexample = finding["counterexample"]
    pair, anchor = counterexample["pair"], _anchor(assumption, finding["claim"])
    shown = partial(Shown, assumption, finding["claim"], anchor, counterexample)
    both = pair["violating"], pair["restored"]
    if "net" not in pair["violating"]:
        return shown(tuple(map(_in_words, both)), ())
    flows = tuple(map(FlowInstance.from_json, both))
    return shown(tuple(map(in_words, flows)), pair_plots(assumption, flows, anchor))


def _anchor(assumption: str, claim: str) -> str:
    return slug(f"necessity-{assumption}-{claim}").replace(".", "-")


def _in_words(data: Mapping[str, Any]) -> str:
    """The numbers of an instance of any kind, in one line."""
    nested = [entry for entry in data.values() if isinstance(entry, Mapping)]
    flat = {**data, **{key: value for entry in nested for key, value in entry.items()}}
    told = {k: v for k, v in flat.items() if isinstance(v, (int, float)) and k != "claim"}
    return ", ".join(f"{k.replace('_', ' ')} {number(v, 4)}" for k, v in told.items())


def in_words(instance: FlowInstance) -> str:
    """Net, data and regime in one line."""
    problem, regime = instance.problem, instance.regime
    samples = "1 sample" if problem.samples == 1 else f"{problem.samples} samples"
    return (
        f"{_net(problem)} of degree {problem.degree}, {problem.parameters} parameters, {samples}, "
        f"{problem.loss} loss, log₁₀ α = {number(regime.log10_alpha, 4)}, "
        f"log₁₀ λ = {number(regime.log10_lambda, 4)}, c = {number(instance.c, 3)}"
        f"{', in plain coordinates' if instance.plain else ''}"
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
    made.globals.update(evidence=evidence, anchor=_anchor, failure=FAILURE, rest_of=rest_of)
    return made
