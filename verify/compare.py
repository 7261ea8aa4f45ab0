"""Comparing two runs: what moved beyond its uncertainty, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.instances import read_json
from verify.report.words import ratio
from verify.results import SCHEMA
from verify.results_shape import RESULTS, Use, fault

WORST_RATIO_MOVED = 0.1
"""A worst case counts as moved when its ratio to the bound changed by more than a tenth."""

HALF = 0.5
"""Share of the instances, of those to which it applied, to which a law must still apply."""


@dataclass(frozen=True)
class Comparison:
    """Lines for a person, and whether anything got worse."""

    lines: tuple[str, ...]
    regressed: bool


def compare_files(old: Path, new: Path) -> Comparison:
    """Compare two results files, claim by claim.

    A regression is a verdict further from the expected one, a rate further from its prediction
    than before by more than its tolerance, a bound newly broken, a rival no longer rejected, a law
    or a rate that is gone, a law that applies to less than half as large a share of the instances,
    a claim missing from a run of all claims, and a new claim whose verdict is the opposite of the
    expected one. A claim that was not among those chosen for the new run is no regression.

    Raises:
        InvalidInput: a file is missing or is not a results file of this schema.
    """
    newer = read_results(new)
    before, after = _by_id(read_results(old)), _by_id(newer)
    selected = bool(newer.get("selected", False))
    lines: list[str] = []
    regressed: list[str] = []
    moved: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        found = list(told(before.get(name), after.get(name), selected))
        if found:
            worse = any(worse for worse, _ in found)
            (regressed if worse else moved).append(name)
            lines.append(name)
            lines += [f"  {text}" + (" (regression)" if worse else "") for worse, text in found]
    if not lines:
        return Comparison(("nothing moved beyond its uncertainty",), regressed=False)
    same = len(before.keys() | after.keys()) - len(regressed) - len(moved)
    parts = [
        f"worse in {', '.join(regressed)}" if regressed else "nothing got worse",
        *([f"other changes in {', '.join(moved)}"] if moved else []),
        f"{same} {'claim' if same == 1 else 'claims'} as before",
    ]
    return Comparison((*lines, "; ".join(parts)), bool(regressed))


def told(
    old: dict[str, Any] | None, new: dict[str, Any] | None, selected: bool
) -> Iterator[tuple[bool, str]]:
    """(whether it is worse, what changed) for a claim that one of the runs may lack."""
    if new is None:
        yield not selected, "not in this run" if selected else "no longer run"
    elif old is None:
        worse = _standing(new) == 0
        yield worse, f"new, {new['verdict']}" + (f", expected {new['expected']}" if worse else "")
    else:
        yield from changes(old, new)


def _by_id(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in results["claims"]}


def read_results(path: Path, use: Use = "comparison") -> dict[str, Any]:
    """A results file that has all that it is read for.

    Raises:
        InvalidInput: the file is missing, is not a results file of this schema, lacks something or
            holds something of another kind, or has one claim twice.
    """
    data = read_json(path)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InvalidInput(f"{path}: not a results file of schema {SCHEMA}")
    if (found := fault(data, RESULTS, use)) is not None:
        raise InvalidInput(f"{path}: {found}")
    counts = Counter(claim["id"] for claim in data["claims"])
    for name, count in counts.items():
        if count > 1:
            raise InvalidInput(f"{path}: claims has {name!r} {count} times; each must stand once")
    return data


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    """(whether it is worse, what moved) for one claim, from its entries in two results files."""
    if old["verdict"] != new["verdict"]:
        worse = _standing(new) < _standing(old)
        yield worse, f"verdict went from {old['verdict']} to {new['verdict']}"
    yield from _gone(old, new)
    yield from _rates(old, new)
    yield from _worst(old, new)
    rejected = {rival["id"]: rival["rejected"] for rival in new["rivals"]}
    for rival in old["rivals"]:
        if rival["rejected"] and not rejected.get(rival["id"]):
            lost = "no longer rejected" if rival["id"] in rejected else "no longer tried"
            yield True, f"rival {rival['id']} is {lost}"
    yield from _power(old, new)


def _gone(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    """Laws and rates that the new run lacks, and laws that speak of half as many of its instances.

    Results of before laws were told have none.
    """
    laws = {law["name"]: law for law in new.get("laws", ())}
    for before in old.get("laws", ()) if "laws" in new else ():
        law = laws.get(before["name"])
        if law is None:
            yield True, f"law '{before['name']}' is no longer stated"
            continue
        count, total = law["applicable"], new.get("examples", 1)
        count_before, total_before = before["applicable"], old.get("examples", 1)
        if count / max(total, 1) < HALF * count_before / max(total_before, 1):
            yield (
                True,
                f"law '{law['name']}' applies to {count} of {total} "
                f"instances, and did to {count_before} of {total_before}",
            )
    rates = {rate["quantity"] for rate in new["rates"]}
    for rate in old["rates"]:
        if rate["quantity"] not in rates and rate.get("judgement") != "too few":
            yield True, f"rate '{rate['quantity']}' is no longer found"


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


def _power(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    """Constants in which the run detects a smaller or larger error than before; never worse.

    Sizes are tried in steps, and a sharper or blunter run is no better or worse theorem.
    """
    known = {power["constant"]: power["detected"] for power in old.get("power", ())}
    for power in new.get("power", ()):
        name, detected = power["constant"], power["detected"]
        if name in known and known[name] != detected:
            sizes = [f"{100 * s:g} %" if s else "none" for s in (known[name], detected)]
            sharper = (detected or 1.0) < (known[name] or 1.0)
            yield (
                False,
                f"smallest error detected in {name} went from {sizes[0]} to {sizes[1]} "
                f"({'sharper' if sharper else 'blunter'})",
            )


def _worst(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    before, after = (ratio(claim["worst"]) for claim in (old, new))
    if before is None or after is None:
        return
    if abs(after - before) > WORST_RATIO_MOVED:
        yield (
            after > 1.0 >= before,
            f"worst case moved from {before:.3g} to {after:.3g} of its bound",
        )
