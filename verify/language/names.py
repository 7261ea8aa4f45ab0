"""Ids of claims and measurements, which name files and stand on command lines."""

import re

from theory.errors import InvalidInput

LONGEST = 100

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def check_id(of: str, given: str) -> None:
    """`InvalidInput` unless it is a plain name of at most `LONGEST` characters."""
    if not isinstance(given, str) or len(given) > LONGEST or not _PLAIN.fullmatch(given):
        raise InvalidInput(
            f"id of a {of} is {given!r}; it must be at most {LONGEST} letters, digits, hyphens, "
            "underscores and dots, the first a letter or a digit"
        )
