"""What claims there are, and a file to begin one of your own from."""

import json
from pathlib import Path
from typing import Any

import click

from verify.commands.options import examples_of, selecting
from verify.selection import Selection


@click.command("list", epilog=examples_of("list", "list --family early_late --json"))
@selecting
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_claims(selection: Selection, as_json: bool) -> None:
    """Every claim, or those that are named: id, statement, source, assumptions, rivals."""
    listed = selection.claims if selection.names_some else selection.known.values()
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
        for claim in listed
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


@click.group()
def new() -> None:
    """Write files to start from."""


@new.command(
    "claim", epilog=examples_of("new claim my-claim", "new claim my-claim --family early_late")
)
@click.argument("name")
@click.option("--family", metavar="NAME", help="Within the suite, beside the claims of a family.")
def new_claim(name: str, family: str | None) -> None:
    """Write a claim that runs as it is, in a file of that name, to be edited.

    With --family, in a checkout of the repository: a claim of the suite, its false reading and the
    measurement that they share, with drafts of their entries in the registry.
    """
    from verify.family_skeleton import REGISTRY, write_family_claim
    from verify.skeleton import write_claim

    if family is None:
        path = write_claim(name, Path())
        click.echo(f"{path}: edit it, and run it with")
        click.echo(f"python -m verify run --module {path}")
        return
    for path in write_family_claim(name, family, Path()):
        click.echo(f"{path}: written, to be edited")
    click.echo(f"{REGISTRY}: has drafts of their entries, to be edited")
    click.echo("python -m verify.registry_tables  # then writes the tables of the documentation")
    click.echo(f"python -m verify run --family {family}")
