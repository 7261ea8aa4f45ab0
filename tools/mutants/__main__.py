"""`python -m tools.mutants`: try the faults, say what notices each, write the table."""

import sys
from pathlib import Path

import click

from theory.errors import InvalidInput
from tools.mutants.catalogue import ROOT, Mutant, catalogue, chosen, mutated
from tools.mutants.pool import pool
from tools.mutants.record import Record, claims_of, code_digest
from tools.mutants.table import counts, noticed_by, page
from tools.mutants.trial import Outcome, Workspace, check_claim, try_mutant
from verify.atomic import write_text


@click.command()
@click.option("--only", multiple=True, metavar="ID", help="Only these faults.")
@click.option("--examples", type=click.IntRange(1), default=8, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("reports/mutants/trials.json"),
    show_default=True,
    help="Trials made so far; what was killed in unchanged code is not tried again.",
)
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table of all faults tried with this code to a file.",
)
def main(
    only: tuple[str, ...], examples: int, seed: int, jobs: int, record: Path, table: Path | None
) -> None:
    """Put each fault of the catalogue into a copy of the packages and see what notices it.

    Exit status 1 when a fault survives claims and tests.
    """
    mutants = catalogue()
    kept = Record(record, code_digest(), examples, seed)

    def check(workspace: Workspace, claim: str) -> None:
        check_claim(workspace, claim, examples, seed)
        kept.pass_claim(claim)

    def attempt(workspace: Workspace, mutant: Mutant) -> None:
        trial = try_mutant(workspace, mutant, examples, seed)
        kept.keep(mutant, trial)
        click.echo(f"{mutant.id}: {noticed_by(trial, mutant)} ({trial.seconds:.0f} s)")

    try:
        wanted = chosen(mutants, only)
        for mutant in wanted:
            mutated(mutant, (ROOT / mutant.file).read_text(encoding="utf-8"))
        todo = [mutant for mutant in wanted if not kept.settled(mutant)]
        with pool(jobs) as spread:
            spread(check, [claim for claim in claims_of(todo) if claim not in kept.sound])
            spread(attempt, todo)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from None
    found = {m.id: trial for m in mutants if (trial := kept.find(m)) is not None}
    if table is not None:
        write_text(table, page(mutants, found, examples, seed))
    mine = {mutant.id: found[mutant.id] for mutant in wanted}
    click.echo(counts(mine))
    sys.exit(int(any(trial.outcome is Outcome.SURVIVED for trial in mine.values())))


if __name__ == "__main__":
    main()
