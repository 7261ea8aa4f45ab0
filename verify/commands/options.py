"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from verify.selection import Selection

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def examples_of(*lines: str) -> str:
    """The end of a command's help: what can be typed as it stands."""
    return "\b\n" + "\n".join(["Examples:", *(f"  theory-verify {line}" for line in lines)])


module_option = click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="FILE|MODULE",
    help="Claims of your own: a file.py or a dotted.module with CLAIM or CLAIMS; may be repeated.",
)
_BY_NAME = (
    click.option(
        "--claim", "ids", multiple=True, metavar="ID", help="These claims, by id; may be repeated."
    ),
    click.option(
        "--family",
        "families",
        multiple=True,
        metavar="NAME",
        help="Those of a family, as early_late; may be repeated.",
    ),
    click.option(
        "--paper",
        "papers",
        multiple=True,
        metavar="KEY",
        help="Those on a paper, as dichotomy; may be repeated.",
    ),
    click.option(
        "--tag", "tags", multiple=True, metavar="WORD", help="Those on a subject; may be repeated."
    ),
    module_option,
)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--claim`, `--family`, `--paper`, `--tag` and `--module`, as one `Selection`."""

    @wraps(command)
    def with_selection(
        *arguments: Any,
        ids: tuple[str, ...],
        families: tuple[str, ...],
        papers: tuple[str, ...],
        tags: tuple[str, ...],
        modules: tuple[str, ...],
        **others: Any,
    ) -> Any:
        chosen = Selection(ids, families, papers, tags, modules)
        return command(*arguments, selection=chosen, **others)

    for option in reversed(_BY_NAME):
        with_selection = option(with_selection)
    return with_selection


seed_option = click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Of all that is drawn: the same seed draws the same.",
)
jobs_option = click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    help="Worker processes on this machine; each takes a core.",
)
engine_option = click.option(
    "--engine",
    default="loky",
    show_default=True,
    metavar="NAME",
    help="Where workers run: loky, dask or ray on this machine, or dask://HOST:PORT.",
)


def report_option(folder: str, purpose: str) -> Decorator:
    """`--report`, by default that folder of `reports`."""
    return click.option(
        "--report",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("reports") / folder,
        show_default=True,
        help=purpose,
    )
