"""Attacks: independent instances, a climb to the worst, assumptions violated."""

import shlex
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import click

from verify.commands.interruption import (
    necessity_kept,
    search_kept,
    shards_kept,
    told_when_interrupted,
)
from verify.commands.options import (
    engine_option,
    examples_of,
    jobs_option,
    report_option,
    seed_option,
    selecting,
)
from verify.profiles import PAIRS, PROFILES, profile_named
from verify.selection import Selection


@click.command(
    epilog=examples_of(
        "run --claim kernel-svm --examples 6",
        "run --family early_late --profile standard --jobs 4 --report out",
        "run --module my_claims.py --budget 10m",
    )
)
@selecting
@click.option(
    "--profile", default="quick", show_default=True, help=f"One of {', '.join(PROFILES)}."
)
@click.option("--examples", type=int, help="Instances for each claim [default: the profile's].")
@seed_option
@jobs_option
@engine_option
@click.option(
    "--budget",
    metavar="TIME",
    help="90s, 10m or 2h: after the planned examples, further ones where they are needed most "
    "[default: none].",
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
    from verify.history import HistoryFile
    from verify.origin import NAME as HISTORY
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
        with told_when_interrupted(lambda: shards_kept(report)):
            result = run_plan(plan, (terminal, *report_files(report), history_file))
    finally:
        terminal.close()
    click.echo(f"report: {report / 'index.html'}")
    return result.exit_status


@click.command(
    epilog=examples_of(
        "search --claim kernel-svm --budget 90s", "search --budget 2h --jobs 2 --seed 7"
    )
)
@selecting
@click.option(
    "--budget",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="90s, 10m or 2h, for all claims together.",
)
@click.option("--seed", type=int, help="Of all that is drawn [default: a fresh one, printed].")
@jobs_option
@engine_option
@report_option("search", "Folder for search.json, the worst instances and the database.")
def search(
    selection: Selection,
    budget: str,
    seed: int | None,
    jobs: int,
    engine: str,
    report: Path,
) -> int:
    """Climb to the worst instance of each claim that should hold; 1 when one refutes it.

    What was found before, in the same folder, is begun with. Exit status 3 when a claim could not
    be searched, or was measured on no instance.
    """
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
        engine,
    )
    with told_when_interrupted(lambda: search_kept(report)):
        found = search_plan(plan, click.echo)
    click.echo(f"search: {report / 'search.json'}")
    if any(entry.refuted for entry in found):
        return 1
    return 3 if any(entry.failed is not None for entry in found) else 0


@click.command(
    epilog=examples_of(
        "necessity --claim kernel-svm", 'necessity --assumption "zero output" --examples 4'
    )
)
@selecting
@click.option(
    "--assumption",
    "named",
    multiple=True,
    metavar="A",
    help="Only these assumptions, by name; may be repeated [default: all that can be violated].",
)
@click.option(
    "--examples", type=int, default=PAIRS, show_default=True, help="Pairs for each of them."
)
@seed_option
@click.option("--budget", metavar="TIME", help="For all of them: 90s, 10m, 2h [default: none].")
@jobs_option
@engine_option
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
    engine: str,
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
        engine,
    )
    with told_when_interrupted(lambda: necessity_kept(report)):
        results = run_necessity(plan, say)
    for line in rest_of(results):
        click.echo(line)
    command = shlex.join(["python", "-m", "verify", *arguments])
    click.echo(f"report: {write_page(results, command, report)}")
    return 3 if is_undecided(results) else 0
