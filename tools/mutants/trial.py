"""One fault in a copy of the packages: what the claims say of it, and what the tests do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import Final

from theory.errors import InvalidInput
from tools.mutants.catalogue import ROOT, Mutant, mirrored_tests, mutated

_COPIED: Final = ("theory", "verify", "tests", "examples", "pyproject.toml")
_JUDGED: Final = Path(__file__).with_name("judged.py")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__")

TIMEOUT: Final = 900.0
"""Seconds for the claims of one fault; they take ten to ninety."""

NO_VERDICT: Final = "no verdict"
"""Of a claim whose run ended without results, or took too long."""


class Outcome(StrEnum):
    """What became of a fault."""

    CLAIM = "killed by claim"
    TEST = "killed by test"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Trial:
    """What was found with one fault.

    Attributes:
        verdicts: of its claims, until one is falsified; none of an equivalent one.
        test: the first test that failed, where no claim was falsified.
    """

    outcome: Outcome
    verdicts: Mapping[str, str]
    test: str
    seconds: float

    @property
    def killer(self) -> str:
        """The claim that was falsified, or empty."""
        return next((claim for claim, told in self.verdicts.items() if told == "falsified"), "")


class Workspace:
    """A copy of the packages in a folder; faults are put into it one at a time.

    Machine code is kept in it from one fault to the next, under names that depend on its sources.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=_LEFT_OUT)
            else:
                shutil.copy2(source, folder / name)

    @contextmanager
    def with_fault(self, mutant: Mutant) -> Iterator[None]:
        """The fault is in the copy meanwhile; `InvalidInput` as `mutated`."""
        path = self.folder / mutant.file
        source, made = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(mutated(mutant, source), encoding="utf-8")
        self._forget_bytecode(path)
        try:
            yield
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(made.st_atime_ns, made.st_mtime_ns))  # machine code goes by it
            self._forget_bytecode(path)

    def verdict(self, claim: str, examples: int, seed: int) -> str:
        """The verdict of a claim over so many instances."""
        ran = self._python(str(_JUDGED), claim, str(examples), str(seed), str(self.folder / "run"))
        return ran.stdout.strip() if ran is not None and ran.returncode == 0 else NO_VERDICT

    def failing_test(self, tests: Sequence[str]) -> str:
        """The first of the tests that fails; empty where none does."""
        ran = self._python("-m", "pytest", "-x", "-q", "-n", "0", "--no-header", *tests)
        if ran is None:
            return NO_VERDICT
        if ran.returncode == 0:
            return ""
        told = (line.partition(" ") for line in ran.stdout.splitlines())
        failed = (rest.split(" - ")[0] for word, _, rest in told if word in ("FAILED", "ERROR"))
        return next(failed, f"pytest ends with {ran.returncode}")

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str] | None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "NUMBA_CACHE_DIR": str(self.folder / "machine-code"),
            "OMP_NUM_THREADS": "1",
        }
        try:
            return subprocess.run(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None

    def _forget_bytecode(self, path: Path) -> None:
        """Python looks at the second of a change; two faults may be put in within one."""
        for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            stale.unlink()


def try_mutant(workspace: Workspace, mutant: Mutant, examples: int, seed: int) -> Trial:
    """Put the fault in, run its claims until one is falsified, and the tests where none is."""
    if mutant.equivalent:
        return Trial(Outcome.EQUIVALENT, {}, "", 0.0)
    begun = perf_counter()
    verdicts: dict[str, str] = {}
    with workspace.with_fault(mutant):
        for claim in mutant.claims:
            verdicts[claim] = workspace.verdict(claim, examples, seed)
            if verdicts[claim] == "falsified":
                break
        killed = "falsified" in verdicts.values()
        test = "" if killed else workspace.failing_test(mirrored_tests(mutant))
    outcome = Outcome.CLAIM if killed else Outcome.TEST if test else Outcome.SURVIVED
    return Trial(outcome, verdicts, test, perf_counter() - begun)


def check_claim(workspace: Workspace, claim: str, examples: int, seed: int) -> None:
    """That a claim is not falsified without a fault, on the same instances.

    Raises:
        InvalidInput: it is, or comes to no verdict.
    """
    verdict = workspace.verdict(claim, examples, seed)
    if verdict in ("falsified", NO_VERDICT):
        raise InvalidInput(
            f"claim {claim!r} comes to {verdict!r} without a fault; give other examples or seed"
        )
