"""What a results.json must hold: for a comparison of two, also of older ones, or for a report.

Files are edited, merged and cut off. What is missing or of another kind is named, before anything
is written or compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Final, Literal

from theory.requests import is_number, is_whole, shortened

Use = Literal["comparison", "report"]


class Kind(StrEnum):
    """Of what is no list and has no shape of its own, in words."""

    NUMBER = "a finite number"
    WHOLE = "a whole number"
    WORDS = "a string"
    TRUTH = "true or false"
    OBJECT = "an object"
    ANY = "anything"


NUMBER, WHOLE, WORDS, TRUTH, OBJECT, ANY = Kind


@dataclass(frozen=True)
class OrNone:
    """Of that shape, or null."""

    shape: Any


@dataclass(frozen=True)
class Always:
    """An entry that is needed for a comparison as well as for a report."""

    shape: Any


@dataclass(frozen=True)
class Optional:
    """An entry that is needed for neither."""

    shape: Any


VERDICTS: Final = ("holds", "falsified", "inconclusive")

_RATE: Final = {
    "quantity": Always(WORDS),
    "predicted": Always(NUMBER),
    "fitted": Always(NUMBER),
    "low": Always(NUMBER),
    "high": Always(NUMBER),
    "tolerance": NUMBER,
    "samples": WHOLE,
    "far": NUMBER,
    "judgement": WORDS,
    "median_example": Optional(WHOLE),
    "furthest_example": Optional(WHOLE),
}

_LAW: Final = {
    "name": Always(WORDS),
    "applicable": Always(WHOLE),
    "kind": WORDS,
    "decided": WHOLE,
    "coverage": NUMBER,
    "reasons": [[ANY]],
}

_BOUND: Final = {
    "name": Always(WORDS),
    "largest_ratio": Always(OrNone(NUMBER)),
    "median_ratio": OrNone(NUMBER),
    "checked": WHOLE,
    "basis": Optional(WORDS),
    "example": Optional(OrNone(WHOLE)),
}

_LADDER: Final = {
    "quantity": WORDS,
    "x_label": WORDS,
    "role": Optional(WORDS),
    "series": [
        {
            "x": [NUMBER],
            "y": [NUMBER],
            "predicted": [OrNone(NUMBER)],
            "example": WHOLE,
            "asymptotic_range": Optional(OrNone(NUMBER)),
        }
    ],
}

CLAIM: Final = {
    "id": Always(WORDS),
    "verdict": Always(VERDICTS),
    "expected": Always(VERDICTS[:2]),
    "title": WORDS,
    "statement": WORDS,
    "source": WORDS,
    "module": Optional(OrNone(WORDS)),
    "assumptions": [WORDS],
    "tolerances": [WORDS],
    "shortfalls": Optional([WORDS]),
    "examples": WHOLE,
    "decided": WHOLE,
    "inconclusive": WHOLE,
    "refuted": WHOLE,
    "seconds": NUMBER,
    "worst": Always(
        OrNone(
            {
                "value": Always(OrNone(NUMBER)),
                "bound": Always(OrNone(NUMBER)),
                "error": OrNone(NUMBER),
                "ratio": Optional(OrNone(NUMBER)),
                "name": WORDS,
                "instance": OBJECT,
            }
        )
    ),
    "laws": Optional([_LAW]),
    "bounds": [_BOUND],
    "rates": Always([_RATE]),
    "rivals": Always(
        [
            {
                "id": Always(WORDS),
                "rejected": Always(TRUTH),
                "description": WORDS,
                "examples_needed": OrNone(WHOLE),
                "reason": WORDS,
            }
        ]
    ),
    "power": Optional(
        [
            {
                "constant": Always(WORDS),
                "detected": Always(OrNone(NUMBER)),
                "value": NUMBER,
                "sizes": Optional([NUMBER]),
            }
        ]
    ),
    "sabotages": Optional(OrNone(OBJECT)),
    "independent": Optional(OrNone({"numbers": WHOLE, "agree": WHOLE, "failed": [WORDS]})),
    "ladders": [_LADDER],
    "findings": [{"title": WORDS, "detail": WORDS, "instances": WHOLE, "instance": OBJECT}],
    "instances": [
        {
            "instance": OBJECT,
            "outcome": WORDS,
            "message": WORDS,
            "severity": OrNone(NUMBER),
            "seconds": NUMBER,
            "measures": Optional(OBJECT),
        }
    ],
    "counterexample": OrNone(
        {"instance": WORDS, "command": WORDS, "severity": OrNone(NUMBER), "shrunk": TRUTH}
    ),
}
"""Of one claim. Entries that are neither `Always` nor `Optional` are needed for a report."""

_FINDING: Final = {"claim": WORDS, "verdict": WORDS, "counterexample": OrNone(OBJECT)}

RESULTS: Final = {
    "claims": Always([CLAIM]),
    "seed": WHOLE,
    "profile": WORDS,
    "command": WORDS,
    "seconds": NUMBER,
    "exit_status": WHOLE,
    "selected": Optional(TRUTH),
    "environment": {"packages": Optional(OrNone(OBJECT)), "commit": Optional(OrNone(WORDS))},
    "judgements": Optional(
        OrNone(
            {
                "checks": WHOLE,
                "rates": WHOLE,
                "false_refutations_by_rates": NUMBER,
                "false_refutations_confirmed": NUMBER,
            }
        )
    ),
    "necessity": Optional(OrNone({"assumptions": [{"assumption": WORDS, "claims": [_FINDING]}]})),
}


def fault(value: Any, shape: Any, use: Use, place: str = "") -> str | None:
    """The first thing that is missing or of another kind, in words; None where all is well."""
    if isinstance(shape, OrNone):
        return None if value is None else fault(value, shape.shape, use, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{place} is {shortened(value)}; it must be a list"
        parts = (fault(v, shape[0], use, f"{place}[{k}]") for k, v in enumerate(value))
        return next(filter(None, parts), None)
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            return f"{place} is {shortened(value)}; it must be an object"
        entries = (_entry_fault(value, key, part, use, place) for key, part in shape.items())
        return next(filter(None, entries), None)
    if _is(value, shape):
        return None
    allowed = " or ".join(map(repr, shape)) if isinstance(shape, tuple) else shape
    return f"{place} is {shortened(value)}; it must be {allowed}"


def _entry_fault(
    held: Mapping[str, Any], name: str, entry: Any, use: Use, place: str
) -> str | None:
    where = f"{place}.{name}" if place else name
    if name in held:
        shape = entry.shape if isinstance(entry, Always | Optional) else entry
        return fault(held[name], shape, use, where)
    needed = isinstance(entry, Always) or (use == "report" and not isinstance(entry, Optional))
    return f"{where} is missing; a {use} needs it" if needed else None


def _is(value: Any, shape: Kind | tuple[str, ...]) -> bool:
    if isinstance(shape, tuple):
        return value in shape
    if shape is Kind.NUMBER:
        return is_number(value) and isfinite(value)
    kinds = {
        Kind.WHOLE: is_whole(value),
        Kind.WORDS: isinstance(value, str),
        Kind.TRUTH: isinstance(value, bool),
        Kind.OBJECT: isinstance(value, Mapping),
        Kind.ANY: True,
    }
    return kinds[shape]
