"""The power of a run: which errors in a theory's constants and in its measurement it would notice.

Every constant of the theory is put off, reals by 50, 20, 10, 5 and 2 % and whole numbers by one, up
and down, and the same judge decides on the detuned theory from the same evidence. A detuned theory
is no rival: that a small detuning survives is no failure, it says how sharp the evidence is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from verify.evidence import Evidence
from verify.judge import Ruling, judge
from verify.language.claim import Claim
from verify.language.constants import DETUNINGS, constants_of, detunings_of
from verify.language.law import Basis, Kind

LOOSE = 0.05
"""A bound of which no instance uses more than this share is marked: nothing comes near it."""


@dataclass(frozen=True)
class Power:
    """One constant, and the smallest error in it that was detected.

    Attributes:
        sizes: the errors that were tried: relative ones, or 1 for a whole number.
        detected: this and every larger detuning, up and down, was falsified; None where not even
            the largest was.
    """

    constant: str
    value: float
    sizes: tuple[float, ...]
    detected: float | None

    @property
    def told(self) -> str:
        """The size in words."""
        size = self.sizes[0] if self.detected is None else self.detected
        return "1" if self.sizes == (1.0,) else f"{100 * size:g} %"


def power_of(claim: Claim[Any, Any], evidence: Sequence[Evidence]) -> tuple[Power, ...]:
    """The power of the evidence against errors in each constant.

    A theory that an instance refutes by itself is detected, and further ones need not be asked. One
    that rates refute has to be computed on every instance; a constant of which the largest errors
    could be computed on none was not tried, and is left out.
    """
    computed = [set(entry.laws) for entry in evidence if entry.outcome == "measured"]
    tried, complete = set().union(*computed), computed and set.intersection(*computed)

    @cache
    def rejected(key: str) -> bool:
        ruling = judge(evidence, key)
        return ruling.verdict == "falsified" and (ruling.refuted > 0 or key in complete)

    keys: dict[str, dict[float, list[str]]] = {}
    for detuning in detunings_of(claim.theory):
        keys.setdefault(detuning.constant, {}).setdefault(detuning.size, []).append(detuning.key)
    powers = []
    for name, value in constants_of(claim.theory).items():
        sizes = keys[name]
        if not set(sizes[max(sizes)]) <= tried:
            continue
        detected = None
        for size in sorted(sizes, reverse=True):
            if not all(map(rejected, sizes[size])):
                break
            detected = size
        powers.append(Power(name, value, tuple(sizes), detected))
    return tuple(powers)


def beyond_repair(claim: Claim[Any, Any], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Real constants of a falsified statement in which no error that was tried makes it true.

    A falsified statement detects nothing; what it can carry is that its failure is none of a
    constant.
    """
    every = DETUNINGS[-1]
    return tuple(power.constant for power in power_of(claim, evidence) if power.detected == every)


def teeth(evidence: Sequence[Evidence], ruling: Ruling, powers: Sequence[Power]) -> str:
    """Why the run could not have noticed that the claim is false, in words; empty where it could.

    It could not where a wrong world that its measurement was put into went unnoticed, or none is
    named or could be made, or where no error in a constant was detected and no value took a share
    of `LOOSE` of its bound.
    """
    worlds = sabotages(evidence)
    unnoticed = [name for name, noticed in worlds.items() if noticed is False]
    if unnoticed:
        return f"its laws do not notice a measurement with {_joined(unnoticed)}"
    if not any(worlds.values()):
        if worlds:
            return "; ".join(unmade(evidence))
        return "its measurement has no wrong world that its laws would have to notice"
    exact = any(
        law.kind in (Kind.RATE, Kind.ORDERED) or law.basis is Basis.IDENTITY for law in ruling.laws
    )
    near = any((law.largest or 0.0) >= LOOSE for law in ruling.laws)
    detected = any(power.detected is not None for power in powers)
    if detected or near or (exact and not powers):
        return ""
    if powers:
        return "no error of 50 % in any of its constants is detected"
    return f"no value takes as much as {100 * LOOSE:g} % of its bound"


def sabotages(evidence: Sequence[Evidence]) -> dict[str, bool | None]:
    """Whether each wrong world was noticed on some instance; None where it never could be made."""
    found: dict[str, bool | None] = {}
    for entry in evidence:
        for sabotage in entry.sabotages:
            known = found.get(sabotage.name)
            noticed = sabotage.noticed
            found[sabotage.name] = noticed if known is None else known or bool(noticed)
    return found


def unmade(evidence: Sequence[Evidence]) -> list[str]:
    """In words, the wrong worlds that no instance could be put into, each with its last reason."""
    reasons = {s.name: s.message for entry in evidence for s in entry.sabotages}
    return [
        f"its wrong world '{name}' could not be made: {reasons[name]}"
        for name, noticed in sabotages(evidence).items()
        if noticed is None
    ]


def failure_in_words(constants: Sequence[str]) -> str:
    """'it fails as well with share off by up to 50 %'."""
    if not constants:
        return ""
    return f"it fails as well with {_joined(constants)} off by up to {100 * DETUNINGS[0]:g} %"


def in_words(powers: Sequence[Power]) -> str:
    """'this run would have detected an error of 2 % in order and constant, and of 50 % in ...'."""
    by_size: dict[str, list[str]] = {}
    found = [power for power in powers if power.detected is not None]
    for power in sorted(found, key=lambda p: p.detected or 0.0):
        by_size.setdefault(power.told, []).append(power.constant)
    missed = [power for power in powers if power.detected is None]
    parts = [f"{size} in {_joined(names)}" for size, names in by_size.items()]
    listed = ", and of ".join(filter(None, [", of ".join(parts[:-1]), *parts[-1:]]))
    told = [f"this run would have detected an error of {listed}"] if parts else []
    by_size = {}
    for power in missed:
        by_size.setdefault(power.told, []).append(power.constant)
    told += [f"it would have missed one of {s} in {_joined(names)}" for s, names in by_size.items()]
    return "; ".join(told)


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def range_in_words(powers: Sequence[Power]) -> str:
    """The smallest detuning detected, of the best and of the worst constant: '2 % to none'."""
    if not powers:
        return "-"
    ranked = sorted(powers, key=lambda p: inf if p.detected is None else p.detected)
    ends = ["none" if p.detected is None else p.told for p in (ranked[0], ranked[-1])]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
