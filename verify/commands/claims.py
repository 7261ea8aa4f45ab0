"""What claims there are, and a file to begin one of your own from."""

import json
from pathlib import Path
from typing import Any

import click

from verify.catalogue import claims_with
from verify.commands.options import module_option


@click.command("list")
@module_option
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


@click.group()
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
