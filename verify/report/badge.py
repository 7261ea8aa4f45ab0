"""badge.svg: how many claims hold, in the colour of the run."""

from collections.abc import Mapping
from typing import Any

_COLOURS = {0: "#2e7d4f", 1: "#b3261e", 3: "#8a6100"}
"""By exit status; white text on each has a contrast of 5 at least."""

_CHARACTER = 6.0
"""Pixels that a character of 11 px gets: no font need be measured."""


def badge(results: Mapping[str, Any]) -> str:
    """The content of badge.svg for a results.json."""
    claims = results["claims"]
    theorems = [claim for claim in claims if claim["expected"] == "holds"]
    refuted = [claim for claim in claims if claim["expected"] != "holds"]
    counts = [f"{_as_expected(theorems)}/{len(theorems)} hold"]
    if refuted:
        counts.append(f"{_as_expected(refuted)}/{len(refuted)} refuted")
    label, message = "claims", ", ".join(counts)
    left, right = (round(_CHARACTER * len(words)) + 12 for words in (label, message))
    width = left + right
    colour = _COLOURS.get(results["exit_status"], _COLOURS[1])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{label}: {message}">\n'
        f"<title>{label}: {message}</title>\n"
        f'<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#474747"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">\n'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{label}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{message}</text>\n'
        "</g>\n</svg>\n"
    )


def _as_expected(claims: list[Mapping[str, Any]]) -> int:
    return sum(claim["verdict"] == claim["expected"] for claim in claims)
