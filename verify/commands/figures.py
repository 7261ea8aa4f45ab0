"""Figures of the literature."""

from pathlib import Path

import click

from theory.errors import InvalidInput


@click.command()
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
    """Regenerate a figure as PNG, SVG, PDF and CSV; 1 when it does not show what it is said to."""
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
