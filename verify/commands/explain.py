"""One claim in plain words."""

import shutil
import sys

import click

from theory.errors import InvalidInput
from verify.commands.options import examples_of, module_option
from verify.selection import Selection

WIDTH = 100
"""Columns of text where there is no terminal."""


@click.command(epilog=examples_of("explain kernel-svm", "explain my-claim --module my_claims.py"))
@click.argument("claim", required=False)
@module_option
def explain(claim: str | None, modules: tuple[str, ...]) -> None:
    """One claim in plain words: symbols, source, assumptions, what would refute it, rivals.

    With --module and no CLAIM, the one claim of that module.
    """
    from verify.explain import explained

    if claim is None and not modules:
        raise InvalidInput("claim is not given; name one, as 'theory-verify list' shows them")
    found = Selection(ids=() if claim is None else (claim,), modules=modules).claims
    if len(found) > 1:
        raise InvalidInput(f"claim is not given; name one of {', '.join(c.id for c in found)}")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    for line in explained(found[0], max(width, 40)):
        click.echo(line)
