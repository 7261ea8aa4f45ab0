"""What runs found: two of them compared, all of them in a row."""

import shutil
import sys
from pathlib import Path

import click

from verify.commands.options import examples_of


@click.command(epilog=examples_of("compare reports/baseline.json reports/latest/results.json"))
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Also write both runs side by side as a page [default: none].",
)
def compare(old: Path, new: Path, page: Path | None) -> int:
    """Say what moved between two results files beyond its uncertainty; 1 on a regression."""
    from verify.compare import compare_files

    comparison = compare_files(old, new)
    for line in comparison.lines:
        click.echo(line)
    if page is not None:
        from verify.report.diff import write_diff

        write_diff(old, new, page)
        click.echo(f"page: {page}")
    return 1 if comparison.regressed else 0


@click.command(epilog=examples_of("report reports/baseline.json --out reports/again"))
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where to write index.html, report.md, tables and instance files.",
)
def report(results: Path, folder: Path) -> int:
    """Write the report of a results file again, with all that a run leaves beside it."""
    from verify.compare import read_results
    from verify.report.files import write_report

    write_report(read_results(results, "report"), folder)
    click.echo(f"report: {folder / 'index.html'}")
    return 0


@click.command(
    epilog=examples_of(
        "history",
        "history --claim kernel-svm --last 10",
        "history --module my_claims.py --rate order --plot order.svg",
    )
)
@click.option(
    "--claim", metavar="ID", help="Verdict and worst case of this claim [default: all runs]."
)
@click.option("--rate", metavar="NAME", help="A fitted rate, by a part of its name.")
@click.option("--last", type=int, metavar="N", help="Only the last runs [default: all].")
@click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="FILE|MODULE",
    help="Only claims of this file, in the history of its repository; may be repeated.",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Also draw the worst case or the rate, with its intervals: .svg, .png or .pdf.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE.sqlite",
    help="The history [default: reports/history.sqlite here or above, in this repository].",
)
def history(
    claim: str | None,
    rate: str | None,
    last: int | None,
    modules: tuple[str, ...],
    picture: Path | None,
    file: Path | None,
) -> None:
    """What earlier runs found: all of them, one claim, or one of its rates.

    Claims of the same id from different files are told apart. A run without the claim is "not in
    this run".
    """
    from verify.history_series import plot, read_history, table
    from verify.origin import find_history, source_of

    path = find_history(modules, Path()) if file is None else file
    sources = [source_of(module, path) for module in modules] or None
    series = read_history(path, claim, rate, last, sources)
    if picture is not None:
        plot(series, picture)
    if claim or rate:
        click.echo(series.title)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table(series, width):
        click.echo(line)
    if picture is not None:
        click.echo(f"plot: {picture}")
