"""Attacks: independent instances, a climb to the worst, assumptions violated."""

import shlex
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import click

from verify.commands.options import (
    jobs_option,
    report_option,
    seed_option,
    selecting,
)
from verify.profiles import PAIRS, PROFILES, profile_named
from verify.selection import Selection


@click.command()
@selecting
@click.option(
    "--profile", default="quick", show_default=True, help=f"One of {', '.join(PROFILES)}."
)
@click.option("--examples", type=int, help="Instances for each claim [default: the profile's].")
@seed_option
@jobs_option
@click.option(
    "--engine",
    default="loky",
    show_default=True,
    metavar="NAME",
    help="Where workers run: loky, dask or ray on this machine, or dask://HOST:PORT.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="90s, 10m or 2h: after the planned examples, further ones where they are needed most.",
)
@click.option(
    "--necessity",
    is_flag=True,
    help="Also search which assumptions are needed; the report shows it.",
)
@report_option("latest", "Folder for results.json, index.html and the other reports.")
@click.pass_obj
def run(
    arguments: Sequence[str],
    selection: Selection,
    profile: str,
    examples: int | None,
    seed: int,
    jobs: int,
    engine: str,
    budget: str | None,
    necessity: bool,
    report: Path,
) -> int:
    """Attack claims with random instances; judge them and their rivals.

    Whatever one of --claim, --family, --paper and --tag names is run; with --module and none of
    these, only the claims of that module.
    """
    from verify.budget import seconds_of
    from verify.history import NAME as HISTORY
    from verify.history import HistoryFile
    from verify.report.files import report_files
    from verify.report.terminal import Terminal
    from verify.runner import RunPlan
    from verify.runner import run as run_plan

    chosen = profile_named(profile)
    plan = RunPlan(
        claims=selection.claims,
        profile=chosen,
        examples=chosen.examples if examples is None else examples,
        seed=seed,
        jobs=jobs,
        folder=report,
        command=shlex.join(["python", "-m", "verify", *arguments]),
        budget=None if budget is None else seconds_of(budget),
        engine=engine,
        necessity=necessity,
        selected=selection.names_some or bool(selection.modules),
    )
    terminal = Terminal()
    history_file = HistoryFile(report.parent / HISTORY, partial(click.echo, err=True))
    try:
        result = run_plan(plan, (terminal, *report_files(report), history_file))
    finally:
        terminal.close()
    click.echo(f"report: {report / 'index.html'}")
    return result.exit_status


@click.command()
@selecting
@click.option("--budget", default="10m", show_default=True, metavar="TIME", help="As for run.")
@click.option("--seed", type=int, help="[default: a fresh one, printed]")
@jobs_option
@report_option("search", "Folder for search.json, the worst instances and the database.")
def search(
    selection: Selection,
    budget: str,
    seed: int | None,
    jobs: int,
    report: Path,
) -> int:
    """Climb to the worst instance of each claim that should hold; 1 when one refutes it."""
    from secrets import randbits

    from verify.budget import seconds_of
    from verify.nightly import SearchPlan, searchable
    from verify.nightly import search as search_plan

    plan = SearchPlan(
        searchable(selection.claims),
        seconds_of(budget),
        randbits(32) if seed is None else seed,
        jobs,
        report,
    )
    found = search_plan(plan, click.echo)
    click.echo(f"search: {report / 'search.json'}")
    return 1 if any(entry.refuted for entry in found) else 0


@click.command()
@selecting
@click.option("--assumption", "named", multiple=True, metavar="A", help="Only these assumptions.")
@click.option(
    "--examples", type=int, default=PAIRS, show_default=True, help="Pairs for each of them."
)
@seed_option
@click.option("--budget", metavar="TIME", help="For all of them: 90s, 10m, 2h [default: none].")
@jobs_option
@report_option("necessity", "Folder for necessity.json, necessity.html and the counterexamples.")
@click.pass_obj
def necessity(
    arguments: Sequence[str],
    selection: Selection,
    named: tuple[str, ...],
    examples: int,
    seed: int,
    budget: str | None,
    jobs: int,
    report: Path,
) -> int:
    """Search for instances that violate one assumption and for which a claim's own laws fail.

    Exit status 0 whatever is found, 3 when for some assumption of some claim nothing could be
    decided.
    """
    from verify.budget import seconds_of
    from verify.necessity.page import write_page
    from verify.necessity.table import NecessityPlan, run_necessity
    from verify.necessity.words import is_undecided, lines_of, rest_of

    def say(entry: dict[str, Any]) -> None:
        for line in lines_of(entry):
            click.echo(line)

    plan = NecessityPlan(
        selection.claims,
        named,
        examples,
        seed,
        report,
        inf if budget is None else seconds_of(budget),
        jobs,
    )
    results = run_necessity(plan, say)
    for line in rest_of(results):
        click.echo(line)
    command = shlex.join(["python", "-m", "verify", *arguments])
    click.echo(f"report: {write_page(results, command, report)}")
    return 3 if is_undecided(results) else 0
