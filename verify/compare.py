"""Comparing two runs: what moved beyond its uncertainty, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.instances import read_json
from verify.results import SCHEMA

WORST_RATIO_MOVED = 0.1
"""A worst case counts as moved when its ratio to the bound changed by more than a tenth."""


@dataclass(frozen=True)
class Comparison:
    """Lines for a person, and whether anything got worse."""

    lines: tuple[str, ...]
    regressed: bool


def compare_files(old: Path, new: Path) -> Comparison:
    """Compare two results files.

    Raises:
        InvalidInput: a file is missing or is not a results file of this schema.
    """
    before, after = read_claims(old), read_claims(new)
    lines, regressed = [], False
    for name in sorted(before.keys() - after.keys()):
        lines.append(f"{name}: no longer run (regression)")
        regressed = True
    lines += [f"{n}: new, {after[n]['verdict']}" for n in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        for worse, text in changes(before[name], after[name]):
            lines.append(f"{name}: {text}" + (" (regression)" if worse else ""))
            regressed |= worse
    return Comparison(tuple(lines) or ("nothing moved beyond its uncertainty",), regressed)


def read_claims(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of a results file by claim.

    Raises:
        InvalidInput: the file is missing or is not a results file of this schema.
    """
    data = read_json(path)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InvalidInput(f"{path}: not a results file of schema {SCHEMA}")
    entries: Any = data.get("claims")
    if not _have(entries, {"id", "verdict", "expected", "worst", "rates", "rivals"}):
        raise InvalidInput(f"{path}: claims is not a list of complete results of claims")
    claims: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in entries}
    for name, claim in claims.items():
        if not (
            _have(claim["rates"], {"quantity", "predicted", "fitted", "low", "high"})
            and _have(claim["rivals"], {"id", "rejected"})
            and (claim["worst"] is None or _have([claim["worst"]], {"value", "bound"}))
        ):
            raise InvalidInput(f"{path}: worst, rates or rivals of claim {name!r} are incomplete")
    return claims


def _have(entries: Any, keys: set[str]) -> bool:
    """Whether this is a list of objects that all have the keys."""
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and keys <= entry.keys() for entry in entries
    )


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    """(whether it is worse, what moved) for one claim, from its entries in two results files."""
    if old["verdict"] != new["verdict"]:
        worse = _standing(new) < _standing(old)
        yield worse, f"verdict went from {old['verdict']} to {new['verdict']}"
    yield from _rates(old, new)
    yield from _worst(old, new)
    rejected = {rival["id"]: rival["rejected"] for rival in new["rivals"]}
    for rival in old["rivals"]:
        if rival["rejected"] and not rejected.get(rival["id"]):
            lost = "no longer rejected" if rival["id"] in rejected else "no longer tried"
            yield True, f"rival {rival['id']} is {lost}"


def _standing(claim: dict[str, Any]) -> int:
    """2 for the expected verdict, 1 for inconclusive, 0 for the opposite one."""
    if claim["verdict"] == claim["expected"]:
        return 2
    return 1 if claim["verdict"] == "inconclusive" else 0


def _rates(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    """Rates whose intervals do not meet; worse when the new one is further from its prediction."""
    known = {rate["quantity"]: rate for rate in old["rates"]}
    for rate in new["rates"]:
        before = known.get(rate["quantity"])
        if before is None or (rate["low"] <= before["high"] and before["low"] <= rate["high"]):
            continue
        worse = abs(rate["fitted"] - rate["predicted"]) > abs(
            before["fitted"] - before["predicted"]
        ) + rate.get("tolerance", 0.0)
        yield (
            worse,
            f"rate '{rate['quantity']}' moved from {before['fitted']:.5g} "
            f"[{before['low']:.5g}, {before['high']:.5g}] to {rate['fitted']:.5g} "
            f"[{rate['low']:.5g}, {rate['high']:.5g}], predicted {rate['predicted']:.5g}",
        )


def _worst(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    if not (old["worst"] and new["worst"]):
        return
    ratios = [_ratio(claim["worst"]) for claim in (old, new)]
    if abs(ratios[1] - ratios[0]) > WORST_RATIO_MOVED:
        yield (
            ratios[1] > 1.0 >= ratios[0],
            f"worst case moved from {ratios[0]:.3g} to {ratios[1]:.3g} of its bound",
        )


def _ratio(worst: dict[str, Any]) -> float:
    value = worst["value"] - worst.get("error", 0.0)
    if worst["bound"] > 0:
        return float(value / worst["bound"])
    return float("inf") if value > 0 else 0.0
