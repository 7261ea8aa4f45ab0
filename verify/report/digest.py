"""A claim in one row: what its verdict rests on, and how much that is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from verify.alone import in_digits
from verify.power import LOOSE
from verify.report.words import NOTHING, number

SHARP = 0.5
"""A bound that an instance takes half of says something; a factor 2 would be noticed."""

UNTOLD = ("seed",)
MOST_MEASURES = 3

BASES = ("derived", "calibrated", "measured", "order", "identity")
"""Where bounds come from, the strongest first; identities bound rounding alone."""


@dataclass(frozen=True)
class Digest:
    """One row of the summary.

    Attributes:
        sizes: of the instances, as ranges.
        bounds: their number by basis, and of rates.
        kind: "sharp", "fair", "loose", "identity", "rates", "exceeded" or "undecided".
        ratio: the largest to a bound that is no identity.
        detects: the smallest error of a constant that this evidence notices, or why it is unknown.
        rejected: rivals that are, and how many there are.
        coverage: the smallest share of applicable instances on which a law was decided.
    """

    sizes: str
    bounds: str
    kind: str
    ratio: float | None
    detects: str
    rejected: int
    rivals: int
    coverage: float | None

    @property
    def nearness(self) -> str:
        """`kind`, with the ratio where it says more."""
        if self.ratio is None:
            return self.kind
        return f"{self.kind} {in_digits(self.ratio)}"

    @property
    def covered(self) -> str:
        """Coverage in percent, rounded down: 100 % is all."""
        return NOTHING if self.coverage is None else f"{int(100 * self.coverage + 1e-9)} %"


def digest(claim: Mapping[str, Any]) -> Digest:
    """The row of an entry of "claims" in results.json."""
    kind, ratio = _nearness(claim)
    coverages = [law["coverage"] for law in claim.get("laws", ()) if law["applicable"]]
    return Digest(
        sizes=_sizes(claim["instances"]),
        bounds=_bounds(claim),
        kind=kind,
        ratio=ratio,
        detects=_detects(claim),
        rejected=sum(rival["rejected"] for rival in claim["rivals"]),
        rivals=len(claim["rivals"]),
        coverage=min(coverages, default=None),
    )


def _sizes(instances: list[Mapping[str, Any]]) -> str:
    """samples 2-8, log10 alpha 12-48: what varies first, then what does not."""
    names = dict.fromkeys(name for entry in instances for name in entry.get("measures") or ())
    # sizes before lengths of lists
    ordered = sorted(names, key=lambda name: name.startswith("entries of "))
    ranges = [found for name in ordered if name not in UNTOLD for found in _range(name, instances)]
    return ", ".join(ranges[:MOST_MEASURES]) or NOTHING


def _range(name: str, instances: list[Mapping[str, Any]]) -> Iterator[str]:
    told = ((entry.get("measures") or {}).get(name) for entry in instances)
    values = [value for value in told if value is not None and isfinite(value)]
    if values:
        low, high = number(min(values)), number(max(values))
        yield f"{name.replace('_', ' ')} {low if low == high else f'{low} to {high}'}"


def _bounds(claim: Mapping[str, Any]) -> str:
    found = Counter(bound.get("basis", "") for bound in claim["bounds"])
    parts = [f"{found[basis]} {basis}" for basis in BASES if found[basis]]
    rates = len(claim["rates"])
    parts += [f"{rates} rate{'s' if rates > 1 else ''}"] if rates else []
    return ", ".join(parts) or NOTHING


def _nearness(claim: Mapping[str, Any]) -> tuple[str, float | None]:
    ratios = [
        bound["largest_ratio"]
        for bound in claim["bounds"]
        if bound.get("basis", "") not in ("identity", "order")
        and bound["largest_ratio"] is not None
    ]
    if claim["refuted"]:
        worst = claim["worst"] or {}
        return "exceeded", worst.get("ratio") or max(ratios, default=None)
    if ratios:
        largest = max(ratios)
        return "sharp" if largest >= SHARP else "loose" if largest < LOOSE else "fair", largest
    bases = {bound.get("basis", "") for bound in claim["bounds"]}
    if "identity" in bases:
        return "identity", None
    return ("rates" if claim["rates"] else "order" if bases else "undecided"), None


def _detects(claim: Mapping[str, Any]) -> str:
    """The largest of the smallest errors noticed: every constant is known at least so well."""
    power = [entry for entry in claim.get("power", ()) if entry.get("sizes") != [1.0]]
    found = [entry["detected"] for entry in power if entry["detected"] is not None]
    if not power:
        return NOTHING
    if not found:
        return "none"
    best, worst = min(found), max(found)
    missed = len(power) - len(found)
    told = f"{100 * best:g} %" if best == worst else f"{100 * best:g} to {100 * worst:g} %"
    return told + (f", {missed} not" if missed else "")
