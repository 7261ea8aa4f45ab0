"""Trials on disk, so that an interrupted run goes on and nothing is tried twice."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from tools.mutants.catalogue import ROOT, Mutant
from tools.mutants.trial import Outcome, Trial
from verify.atomic import write_json


def code_digest(root: Path = ROOT) -> str:
    """Of all of `theory/` and `verify/`: a test that comes later saves no fault from the others."""
    digest = sha256()
    for folder in ("theory", "verify"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def claims_of(mutants: Iterable[Mutant]) -> list[str]:
    """The claims that the mutants name, each once."""
    named = (claim for mutant in mutants if not mutant.equivalent for claim in mutant.claims)
    return sorted(set(named))


class Record:
    """A file of what was tried with some code on some instances, written trial by trial.

    Attributes:
        sound: claims found not to be falsified without a fault.
    """

    def __init__(self, path: Path, code: str, examples: int, seed: int) -> None:
        self.path, self.setting = path, [code, examples, seed]
        self._lock = Lock()
        self._trials: dict[str, Any] = {}
        self.sound: set[str] = set()
        if not path.exists():
            return
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["setting"] == self.setting:
            self._trials, self.sound = found["trials"], set(found["sound"])

    def find(self, mutant: Mutant) -> Trial | None:
        """The trial of a mutant, if it was made as it stands now."""
        found = self._trials.get(_key(mutant))
        return None if found is None else Trial(**{**found, "outcome": Outcome(found["outcome"])})

    def settled(self, mutant: Mutant) -> bool:
        """Whether there is nothing left to try: what survived may meet a new test."""
        found = self.find(mutant)
        return found is not None and found.outcome is not Outcome.SURVIVED

    def keep(self, mutant: Mutant, trial: Trial) -> None:
        """Write a trial down."""
        with self._lock:
            self._trials[_key(mutant)] = asdict(trial)
            self._write()

    def pass_claim(self, claim: str) -> None:
        """Write down that a claim is sound."""
        with self._lock:
            self.sound.add(claim)
            self._write()

    def _write(self) -> None:
        kept = {"setting": self.setting, "sound": sorted(self.sound), "trials": self._trials}
        write_json(self.path, kept)


def _key(mutant: Mutant) -> str:
    return sha256(repr(mutant).encode()).hexdigest()[:16]
