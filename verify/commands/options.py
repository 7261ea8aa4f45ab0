"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

claim_option = click.option(
    "--claim", "names", multiple=True, metavar="ID", help="Only these claims."
)
module_option = click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="FILE|MODULE",
    help="Claims of your own: a file.py or a dotted.module with CLAIM or CLAIMS.",
)
seed_option = click.option("--seed", type=int, default=0, show_default=True)
jobs_option = click.option(
    "--jobs", type=int, default=1, show_default=True, help="Worker processes."
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
