"""Figures of the literature."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from theory.errors import InvalidInput
from verify.commands.interruption import parts_kept, told_when_interrupted
from verify.commands.options import examples_of

if TYPE_CHECKING:
    from verify.figures.base import FigureSpec


@click.command(
    epilog=examples_of("figure grokking", "figure --all --preset paper --out out/figures")
)
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Make every figure.")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    help="Sizes: quick, of a laptop, or paper, those of the paper.",
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/figures"),
    show_default=True,
    help="Folder for the files, the gallery and finished parts.",
)
def figure(name: str | None, everything: bool, preset: str, folder: Path) -> int:
    """Regenerate a figure as PNG, SVG, PDF and CSV; 1 when it does not show what it is said to.

    Parts that are finished are kept until the figure is written, so that it resumes.
    """
    from verify.figures import all_figures, figure_named
    from verify.figures.base import PRESETS
    from verify.report.gallery import write_gallery

    if everything == (name is not None):
        raise InvalidInput(f"give one figure or --all; known are {', '.join(all_figures())}")
    if preset not in PRESETS:
        raise InvalidInput(f"preset is {preset!r}; allowed are {', '.join(PRESETS)}")
    chosen = list(all_figures().values()) if name is None else [figure_named(name)]
    with told_when_interrupted(lambda: parts_kept(folder)):
        status = _made(chosen, preset, folder)
    click.echo(f"gallery: {write_gallery(folder, list(all_figures().values()))}")
    return status


def _made(chosen: "Sequence[FigureSpec]", preset: str, folder: Path) -> int:
    """Make every figure; one that raises is told of, and ends no other."""
    from verify.examine import where_raised
    from verify.figures.make import make_figure
    from verify.progress import Progress

    statuses = [0]
    done, total = 0, sum(len(spec.parts(preset)) for spec in chosen)
    with Progress("parts", total) as progress:

        def say(line: str) -> None:
            progress.clear()
            click.echo(line)

        def part_finished(line: str) -> None:
            say(line)
            progress.advance()

        for spec in chosen:
            try:
                made = make_figure(spec, preset, folder, part_finished, progress.running)
            except (OSError, InvalidInput):
                raise
            except Exception as error:
                if len(chosen) == 1:
                    raise
                say(f"{spec.name}: could not be made: {where_raised(error)}")
                statuses.append(4)
            else:
                for path in made.files:
                    say(f"  {path}")
                for outcome in made.outcomes:
                    say(f"  {outcome.line()}")
                statuses.append(0 if all(o.as_expected for o in made.outcomes) else 1)
            done += len(spec.parts(preset))
            progress.reached(done)
    return max(statuses)
