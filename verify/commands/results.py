"""What runs found: two of them compared, all of them in a row."""

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

    write_report(read_results(results), folder)
    click.echo(f"report: {folder / 'index.html'}")
    return 0


@click.command(
    epilog=examples_of(
        "history", "history --claim kernel-svm --last 10", "history --rate order --plot order.svg"
    )
)
@click.option(
    "--claim", metavar="ID", help="Verdict and worst case of this claim [default: all runs]."
)
@click.option("--rate", metavar="NAME", help="A fitted rate, by a part of its name.")
@click.option("--last", type=int, metavar="N", help="Only the last runs [default: all].")
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
    if picture is not None:
        plot(series, picture)
    if claim or rate:
        click.echo(series.title)
    for line in table(series):
        click.echo(line)
    if picture is not None:
        click.echo(f"plot: {picture}")
