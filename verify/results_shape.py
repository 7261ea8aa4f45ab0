"""What a results.json must hold: for a comparison of two, also of older ones, or for a report.

Files are edited, merged and cut off. What is missing or of another kind is named, before anything
is written or compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Literal

from theory.requests import is_number, is_whole, shortened

Use = Literal["comparison", "report"]


@dataclass(frozen=True)
class OrNone:
    """Of that shape, or null."""

    shape: Any


NUMBER: Final = "a finite number"
WHOLE: Final = "a whole number"
WORDS: Final = "a string"
TRUTH: Final = "true or false"
OBJECT: Final = "an object"

VERDICTS: Final = ("holds", "falsified", "inconclusive")

_RATE: Final = {
    "quantity!": WORDS,
    "predicted!": NUMBER,
    "fitted!": NUMBER,
    "low!": NUMBER,
    "high!": NUMBER,
    "tolerance": NUMBER,
    "samples": WHOLE,
    "far": NUMBER,
    "judgement": WORDS,
    "median_example?": WHOLE,
    "furthest_example?": WHOLE,
}

_LAW: Final = {
    "name!": WORDS,
    "applicable!": WHOLE,
    "kind": WORDS,
    "decided": WHOLE,
    "coverage": NUMBER,
    "reasons": [[OrNone(object)]],
}

_BOUND: Final = {
    "name!": WORDS,
    "largest_ratio!": OrNone(NUMBER),
    "median_ratio": OrNone(NUMBER),
    "checked": WHOLE,
    "basis?": WORDS,
    "example?": OrNone(WHOLE),
}

_LADDER: Final = {
    "quantity": WORDS,
    "x_label": WORDS,
    "role?": WORDS,
    "series": [
        {
            "x": [NUMBER],
            "y": [NUMBER],
            "predicted": [OrNone(NUMBER)],
            "example": WHOLE,
            "asymptotic_range?": OrNone(NUMBER),
        }
    ],
}

CLAIM: Final = {
    "id!": WORDS,
    "verdict!": VERDICTS,
    "expected!": VERDICTS[:2],
    "title": WORDS,
    "statement": WORDS,
    "source": WORDS,
    "module?": OrNone(WORDS),
    "assumptions": [WORDS],
    "tolerances": [WORDS],
    "shortfalls?": [WORDS],
    "examples": WHOLE,
    "decided": WHOLE,
    "inconclusive": WHOLE,
    "refuted": WHOLE,
    "seconds": NUMBER,
    "worst!": OrNone(
        {
            "value!": OrNone(NUMBER),
            "bound!": OrNone(NUMBER),
            "error": OrNone(NUMBER),
            "ratio?": OrNone(NUMBER),
            "name": WORDS,
            "instance": OBJECT,
        }
    ),
    "laws?": [_LAW],
    "bounds": [_BOUND],
    "rates!": [_RATE],
    "rivals!": [
        {
            "id!": WORDS,
            "rejected!": TRUTH,
            "description": WORDS,
            "examples_needed": OrNone(WHOLE),
            "reason": WORDS,
        }
    ],
    "power?": [
        {"constant!": WORDS, "detected!": OrNone(NUMBER), "value": NUMBER, "sizes?": [NUMBER]}
    ],
    "sabotages?": OrNone(OBJECT),
    "independent?": OrNone({"numbers": WHOLE, "agree": WHOLE, "failed": [WORDS]}),
    "ladders": [_LADDER],
    "findings": [{"title": WORDS, "detail": WORDS, "instances": WHOLE, "instance": OBJECT}],
    "instances": [
        {
            "instance": OBJECT,
            "outcome": WORDS,
            "message": WORDS,
            "severity": OrNone(NUMBER),
            "seconds": NUMBER,
            "measures?": OBJECT,
        }
    ],
    "counterexample": OrNone(
        {"instance": WORDS, "command": WORDS, "severity": OrNone(NUMBER), "shrunk": TRUTH}
    ),
}
"""Of one claim. Keys that end in ! are needed always, in ? never, others for a report."""

_FINDING: Final = {"claim": WORDS, "verdict": WORDS, "counterexample": OrNone(OBJECT)}

RESULTS: Final = {
    "claims!": [CLAIM],
    "seed": WHOLE,
    "profile": WORDS,
    "command": WORDS,
    "seconds": NUMBER,
    "exit_status": WHOLE,
    "selected?": TRUTH,
    "environment": {"packages?": OrNone(OBJECT), "commit?": OrNone(WORDS)},
    "judgements?": OrNone(
        {
            "checks": WHOLE,
            "rates": WHOLE,
            "false_refutations_by_rates": NUMBER,
            "false_refutations_confirmed": NUMBER,
        }
    ),
    "necessity?": OrNone({"assumptions": [{"assumption": WORDS, "claims": [_FINDING]}]}),
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


def _entry_fault(held: Mapping[str, Any], key: str, shape: Any, use: Use, place: str) -> str | None:
    name = key.rstrip("!?")
    where = f"{place}.{name}" if place else name
    if name in held:
        return fault(held[name], shape, use, where)
    needed = key.endswith("!") or (use == "report" and not key.endswith("?"))
    return f"{where} is missing; a {use} needs it" if needed else None


def _is(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return value in shape
    if shape == NUMBER:
        return is_number(value) and isfinite(value)
    kinds: dict[Any, bool] = {
        WHOLE: is_whole(value),
        WORDS: isinstance(value, str),
        TRUTH: isinstance(value, bool),
        OBJECT: isinstance(value, Mapping),
    }
    return kinds.get(shape, True)
