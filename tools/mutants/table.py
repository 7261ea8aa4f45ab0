"""The table of faults for the documentation."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tools.mutants.catalogue import Mutant
from tools.mutants.trial import Outcome, Trial
from verify.registry_tables import table

_HEAD = """# Faults, and what notices them

Each row is one fault put into `theory/`. A claim kills it when its verdict becomes `falsified` on
{examples} instances (seed {seed}) on which it is not falsified without the fault; where none does,
unit tests are asked. Written by `python -m tools.mutants --table docs/mutants.md`; the faults are
in `tools/mutants/mutants.toml`.

"""


def counts(trials: Mapping[str, Trial]) -> str:
    """How many came to what: "81 killed by claim, 20 killed by test, 3 survived"."""
    found = Counter(trial.outcome for trial in trials.values())
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in Outcome if found[outcome])


def noticed_by(trial: Trial, mutant: Mutant) -> str:
    """What notices a fault, in a cell of the table."""
    if trial.outcome is Outcome.EQUIVALENT:
        return f"equivalent: {mutant.equivalent}"
    if trial.outcome is Outcome.CLAIM:
        return f"`{trial.killer}`"
    silent = ", ".join(f"`{claim}` {verdict}" for claim, verdict in trial.verdicts.items())
    test = f"test `{trial.test}`" if trial.test else "**survived**"
    return f"{test} ({silent})" if silent else test


def page(mutants: Sequence[Mutant], trials: Mapping[str, Trial], examples: int, seed: int) -> str:
    """The page of docs/ on the mutants that were tried."""
    tried = [mutant for mutant in mutants if mutant.id in trials]
    rows = [(f"`{m.id}`", f"`{m.file}`", m.fault, noticed_by(trials[m.id], m)) for m in tried]
    head = _HEAD.format(examples=examples, seed=seed)
    total = f"{len(tried)} faults: {counts({m.id: trials[m.id] for m in tried})}.\n\n"
    return f"{head}{total}{table(('fault', 'in', 'what is wrong', 'noticed by'), rows)}\n"
