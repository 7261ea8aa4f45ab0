"""The command line. Exit status: 0 as expected, 1 another verdict, 2 bad input, 3 inconclusive."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import click

from theory.errors import InvalidInput, NumericalFailure
from verify.profiles import PROFILES, profile_named
from verify.user_modules import claims_with, load_claims, select

DEFAULT_SEED = 0

_module = click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="FILE|MODULE",
    help="Claims of your own: a file.py or a dotted.module with CLAIM or CLAIMS.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Theorems about training dynamics as executable, falsifiable claims."""


@commands.command("list")
@_module
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_claims(modules: tuple[str, ...], as_json: bool) -> None:
    """Every claim: id, statement, source, assumptions, rivals."""
    described: list[dict[str, Any]] = [
        {
            "id": claim.id,
            "title": claim.title,
            "statement": claim.statement,
            "source": claim.source,
            "expected": claim.expected,
            "assumptions": list(claim.assumptions),
            "rivals": [{"id": r.id, "description": r.description} for r in claim.rivals],
        }
        for claim in claims_with(modules).values()
    ]
    if as_json:
        click.echo(json.dumps(described, indent=1))
        return
    for entry in described:
        click.echo(f"{entry['id']}: {entry['title']}")
        click.echo(f"  statement    {entry['statement']}")
        click.echo(f"  source       {entry['source']}")
        click.echo(f"  assumptions  {', '.join(entry['assumptions'])}")
        click.echo(f"  rivals       {', '.join(rival['id'] for rival in entry['rivals'])}")


@commands.command()
@click.option("--claim", "names", multiple=True, metavar="ID", help="Only these claims.")
@_module
@click.option(
    "--profile", default="quick", show_default=True, help=f"One of {', '.join(PROFILES)}."
)
@click.option("--examples", type=int, help="Instances for each claim [default: the profile's].")
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True)
@click.option("--jobs", type=int, default=1, show_default=True, help="Worker processes.")
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
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/latest"),
    show_default=True,
    help="Folder for results.json, index.html and the other reports.",
)
@click.pass_obj
def run(
    arguments: Sequence[str],
    names: tuple[str, ...],
    modules: tuple[str, ...],
    profile: str,
    examples: int | None,
    seed: int,
    jobs: int,
    engine: str,
    budget: str | None,
    report: Path,
) -> int:
    """Attack claims with random instances; judge them and their rivals.

    With --module and no --claim, only the claims of that module.
    """
    from verify.budget import seconds_of
    from verify.history import NAME as HISTORY
    from verify.history import HistoryFile
    from verify.report.files import report_files
    from verify.report.terminal import Terminal
    from verify.runner import RunPlan
    from verify.runner import run as run_plan

    chosen = profile_named(profile)
    known = claims_with(modules)
    named = names or [claim.id for module in modules for claim in load_claims(module)] or known
    plan = RunPlan(
        claims=select(known, named),
        profile=chosen,
        examples=chosen.examples if examples is None else examples,
        seed=seed,
        jobs=jobs,
        folder=report,
        command=shlex.join(["python", "-m", "verify", *arguments]),
        budget=None if budget is None else seconds_of(budget),
        engine=engine,
    )
    terminal = Terminal()
    history_file = HistoryFile(report.parent / HISTORY, partial(click.echo, err=True))
    try:
        result = run_plan(plan, (terminal, *report_files(report), history_file))
    finally:
        terminal.close()
    click.echo(f"report: {report / 'index.html'}")
    return result.exit_status


@commands.command()
@click.option("--claim", "names", multiple=True, metavar="ID", help="Only these claims.")
@_module
@click.option("--budget", default="10m", show_default=True, metavar="TIME", help="As for run.")
@click.option("--seed", type=int, help="[default: a fresh one, printed]")
@click.option("--jobs", type=int, default=1, show_default=True, help="Worker processes.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/search"),
    show_default=True,
    help="Folder for search.json, the worst instances and the database.",
)
def search(
    names: tuple[str, ...],
    modules: tuple[str, ...],
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

    known = claims_with(modules)
    named = names or [claim.id for module in modules for claim in load_claims(module)] or known
    plan = SearchPlan(
        searchable(select(known, named)),
        seconds_of(budget),
        randbits(32) if seed is None else seed,
        jobs,
        report,
    )
    found = search_plan(plan, click.echo)
    click.echo(f"search: {report / 'search.json'}")
    return 1 if any(entry.refuted for entry in found) else 0


@commands.command()
@click.option("--assumption", "named", multiple=True, metavar="A", help="Only these assumptions.")
@click.option("--examples", type=int, default=20, show_default=True, help="Pairs for each of them.")
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True)
@click.option("--budget", metavar="TIME", help="For all of them: 90s, 10m, 2h [default: none].")
@click.option("--jobs", type=int, default=1, show_default=True, help="Worker processes.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/necessity"),
    show_default=True,
    help="Folder for necessity.json, necessity.html and the counterexamples.",
)
@click.pass_obj
def necessity(
    arguments: Sequence[str],
    named: tuple[str, ...],
    examples: int,
    seed: int,
    budget: str | None,
    jobs: int,
    report: Path,
) -> int:
    """Search for instances that violate one assumption and for which a conclusion fails.

    Exit status 0 whatever is found, 3 when for some assumption nothing could be decided.
    """
    from verify.budget import seconds_of
    from verify.instances import ASSUMPTIONS
    from verify.necessity.page import write_page
    from verify.necessity.table import NecessityPlan, run_necessity

    unknown = [name for name in named if name not in ASSUMPTIONS]
    if unknown:
        raise InvalidInput(f"assumption is {unknown[0]!r}; allowed are {', '.join(ASSUMPTIONS)}")
    if examples < 1:
        raise InvalidInput(f"examples is {examples}; it must be at least 1")
    plan = NecessityPlan(
        named or ASSUMPTIONS,
        examples,
        seed,
        report,
        inf if budget is None else seconds_of(budget),
        jobs,
        shlex.join(["python", "-m", "verify", *arguments]),
    )
    results = run_necessity(plan, click.echo)
    click.echo(f"report: {write_page(results, report)}")
    findings = [f for entry in results["assumptions"] for f in entry["conclusions"]]
    return 3 if any(finding["verdict"] == "undecided" for finding in findings) else 0


@commands.group()
def new() -> None:
    """Write files to start from."""


@new.command("claim")
@click.argument("name")
def new_claim(name: str) -> None:
    """Write a claim that runs as it is, in a file of that name, to be edited."""
    from verify.skeleton import write_claim

    path = write_claim(name, Path())
    click.echo(f"{path}: edit it, and run it with")
    click.echo(f"python -m verify run --module {path}")


@commands.command()
@click.argument("net", metavar="FILE:CLASS")
@click.option("--input-dim", type=int, help="Length of an input [default: the class's input_dim].")
@click.option("--parameters", type=int, help="Length of theta [default: the class's parameters].")
@click.option("--samples", type=int, default=4, show_default=True, help="Samples of each task.")
@click.option("--examples", type=int, default=1, show_default=True, help="Random tasks.")
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/check"),
    show_default=True,
    help="Folder for counterexamples.",
)
def check(net: str, report: Path, **sizes: Any) -> int:
    """Check the assumptions and both theorems on a torch net of your own."""
    from verify.check import CheckPlan, check_net

    return check_net(CheckPlan(net, report, **sizes), click.echo)


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--at", "times", type=float, multiple=True, help="Times in units of t_g.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(file: Path, times: tuple[float, ...], as_json: bool) -> int:
    """Integrate one instance and print everything measured on it."""
    from verify.evaluate import evaluate_instance, format_evaluation
    from verify.instances import FlowInstance, read_instance

    instance = read_instance(file)
    if not isinstance(instance, FlowInstance):
        raise InvalidInput(f"{file}: evaluate takes a net with weight decay; replay takes any")
    measured = evaluate_instance(instance, times or (1.0 - instance.c, 1.0 + instance.c))
    text = json.dumps(measured, indent=1, allow_nan=False)
    click.echo(text if as_json else format_evaluation(measured))
    return 0


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@_module
def replay(file: Path, modules: tuple[str, ...]) -> int:
    """Judge one saved instance again under the claim that it was saved for."""
    from verify.replay import replay_file

    replayed = replay_file(file, modules)
    for line in replayed.lines:
        click.echo(line)
    return replayed.exit_status


@commands.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def compare(old: Path, new: Path) -> int:
    """Say what moved between two results files beyond its uncertainty; 1 on a regression."""
    from verify.compare import compare_files

    comparison = compare_files(old, new)
    for line in comparison.lines:
        click.echo(line)
    return 1 if comparison.regressed else 0


@commands.command()
@click.option("--claim", metavar="ID", help="Verdict and worst case of this claim.")
@click.option("--rate", metavar="NAME", help="A fitted rate, by a part of its name.")
@click.option("--last", type=int, metavar="N", help="Only the last runs.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Also draw the worst case or the rate, with its intervals.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    default=Path("reports/history.sqlite"),
    show_default=True,
    help="Each run appends to the history beside its report folder.",
)
def history(
    claim: str | None, rate: str | None, last: int | None, picture: Path | None, file: Path
) -> None:
    """What earlier runs found: all of them, one claim, or one of its rates."""
    from verify.history import plot, read_history, table

    series = read_history(file, claim, rate, last)
    if claim or rate:
        click.echo(series.title)
    for line in table(series):
        click.echo(line)
    if picture is not None:
        plot(series, picture)
        click.echo(f"plot: {picture}")


@commands.command()
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Make every figure.")
@click.option("--preset", default="quick", show_default=True, help="quick or paper.")
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/figures"),
    show_default=True,
)
def figure(name: str | None, everything: bool, preset: str, folder: Path) -> int:
    """Regenerate a figure as PNG, SVG and CSV; 1 when it does not show what it is said to."""
    from verify.figures import all_figures, figure_named
    from verify.figures.make import make_figure
    from verify.report.gallery import write_gallery

    if everything == (name is not None):
        raise InvalidInput(f"give one figure or --all; known are {', '.join(all_figures())}")
    chosen = list(all_figures().values()) if name is None else [figure_named(name)]
    shown = True
    for spec in chosen:
        made = make_figure(spec, preset, folder, click.echo)
        for path in made.files:
            click.echo(f"  {path}")
        for outcome in made.outcomes:
            click.echo(f"  {outcome.line()}")
        shown = shown and all(outcome.as_expected for outcome in made.outcomes)
    click.echo(f"gallery: {write_gallery(folder, list(all_figures().values()))}")
    return 0 if shown else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    command: Callable[..., Any] = commands.main
    try:
        status = command(args=given, prog_name="theory-verify", standalone_mode=False, obj=given)
        return int(status or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        message = error.format_message().rstrip(".").replace(". ", "; ")
        usage = error.ctx.command_path if error.ctx else "theory-verify"
        click.echo(f"error: {message}; see '{usage} --help'", err=True)
        return 2
    except InvalidInput as error:
        click.echo(f"error: {error}", err=True)
        return 2
    except NumericalFailure as error:
        click.echo(f"inconclusive: {error}", err=True)
        return 3
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; run the same command again to resume", err=True)
        return 130
