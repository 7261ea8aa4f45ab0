"""The power of a run: which errors in a theory's constants it would have detected.

Every real constant of the theory is put off by 50, 20, 10, 5 and 2 %, up and down, and the same
judge decides on the detuned theory from the same evidence. A detuned theory is no rival: that a
small detuning survives is no failure, it says how sharp the evidence is.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.claims.base import Assertions, Claim, RateSample
from verify.judge import judge, judge_bound

if TYPE_CHECKING:
    from verify.evidence import Evidence

DETUNINGS = (0.5, 0.2, 0.1, 0.05, 0.02)
"""Relative errors that are tried, each up and down."""

Path = tuple[str | int, ...]
"""Fields and indices that lead to a constant: records and tuples may lie within records."""


@dataclass(frozen=True)
class Power:
    """One constant, and the smallest relative error in it that was detected.

    Attributes:
        detected: this and every larger detuning, up and down, was falsified; None where not even
            the largest was.
    """

    constant: str
    value: float
    detected: float | None


def constants(claim: Claim[Any, Any]) -> dict[str, float]:
    """The real constants of the claim's theory that are not zero, by name ("order", "trained[1]").

    Only those that `claim.constants` names, where it does.
    """
    found = {_name(path): value for path, value in _reals(claim.theory)}
    return found if claim.constants is None else {name: found[name] for name in claim.constants}


def _reals(value: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    if isinstance(value, float):
        if value != 0.0 and path:
            yield path, value
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _reals(getattr(value, entry.name), (*path, entry.name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _reals(item, (*path, index))


def _name(path: Path) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".")


def _scaled(value: Any, path: Path, factor: float) -> Any:
    """`value` with the number at the end of the path multiplied."""
    if not path:
        return value * factor
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        return (*value[:first], _scaled(value[first], rest, factor), *value[first + 1 :])
    return replace(value, **{first: _scaled(getattr(value, first), rest, factor)})


def statement(constant: str, factor: float) -> str:
    """The key of a detuned theory among the assertions of an instance."""
    return f"{constant} * {factor:g}"


def detuned_theories(claim: Claim[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Every detuned theory with its key."""
    named = constants(claim)
    for path, _ in _reals(claim.theory):
        if _name(path) in named:
            for detuning in DETUNINGS:
                for factor in (1.0 + detuning, 1.0 - detuning):
                    yield statement(_name(path), factor), _scaled(claim.theory, path, factor)


def detuned_assertions(claim: Claim[Any, Any], measured: Any) -> dict[str, Assertions]:
    """What the detuned theories assert of one measurement, as much of it as the judge needs.

    Nobody wrote these theories: one whose assertions cannot be computed, for whatever reason, is
    left out.
    """
    stated = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for key, theory in detuned_theories(claim):
            with suppress(Exception):
                stated[key] = decisive(claim.assertions(measured, theory))
    return stated


def decisive(stated: Assertions) -> Assertions:
    """The rates and the one bound that decides on the instance; the judge rules as on all."""
    found = {judge_bound(bound): bound for bound in stated.bounds}
    decides = next((found[j] for j in ("refuted", "undecided", "kept") if j in found), None)
    rates = [
        RateSample(r.quantity, float(r.predicted), float(r.fitted), float(r.tolerance))
        for r in stated.rates
    ]
    return Assertions(() if decides is None else (decides,), tuple(rates))


def power_of(claim: Claim[Any, Any], evidence: Sequence["Evidence"]) -> tuple[Power, ...]:
    """The power of the evidence against errors in each constant.

    A theory that could not be computed on some instance is not detected; a constant of which the
    largest errors could be computed on none was not tried, and is left out.
    """
    computed = [set(entry.assertions) for entry in evidence if entry.outcome == "measured"]
    tried, complete = set().union(*computed), computed and set.intersection(*computed)

    @cache
    def rejected(key: str) -> bool:
        return key in complete and judge(evidence, key).verdict == "falsified"

    powers = []
    for name, value in constants(claim).items():
        if not {statement(name, 1.0 + s * DETUNINGS[0]) for s in (1, -1)} <= tried:
            continue
        detected = None
        for detuning in DETUNINGS:
            if not all(rejected(statement(name, f)) for f in (1.0 + detuning, 1.0 - detuning)):
                break
            detected = detuning
        powers.append(Power(name, value, detected))
    return tuple(powers)


def beyond_repair(claim: Claim[Any, Any], evidence: Sequence["Evidence"]) -> tuple[str, ...]:
    """Constants of a falsified statement in which no error that was tried would make it true.

    A falsified statement detects nothing; what it can carry is that its failure is none of a
    constant.
    """
    every = DETUNINGS[-1]
    return tuple(power.constant for power in power_of(claim, evidence) if power.detected == every)


def failure_in_words(constants: Sequence[str]) -> str:
    """'it fails as well with share off by up to 50 %'."""
    if not constants:
        return ""
    return f"it fails as well with {_joined(constants)} off by up to {100 * DETUNINGS[0]:g} %"


def in_words(powers: Sequence[Power]) -> str:
    """'this run would have detected an error of 2 % in order and constant, and of 50 % in ...'."""
    by_size: dict[float | None, list[str]] = {}
    for power in sorted(powers, key=lambda p: (p.detected is None, p.detected or 0.0)):
        by_size.setdefault(power.detected, []).append(power.constant)
    missed = by_size.pop(None, None)
    parts = [f"{100 * (size or 0):g} % in {_joined(names)}" for size, names in by_size.items()]
    listed = ", and of ".join(filter(None, [", of ".join(parts[:-1]), *parts[-1:]]))
    told = [f"this run would have detected an error of {listed}"] if parts else []
    if missed:
        told.append(f"it would have missed one of {100 * DETUNINGS[0]:g} % in {_joined(missed)}")
    return "; ".join(told)


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def range_in_words(powers: Sequence[Power]) -> str:
    """The smallest detuning detected, of the best and of the worst constant: '2 % to none'."""
    if not powers:
        return "-"
    sizes = sorted(1.0 if power.detected is None else power.detected for power in powers)
    ends = ["none" if size == 1.0 else f"{100 * size:g} %" for size in (sizes[0], sizes[-1])]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
