"""LaTeX statements as MathML, one element for each part between top-level \\quad."""

import re
from functools import cache
from html import unescape
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert_to_element
from markupsafe import Markup


class Untypeset(ValueError):
    """LaTeX beyond the converter, or none."""


_FUNCTION = re.compile(r"[A-Za-z]{2,}")
_SPACE = "0.1667em"
_SPACED = ("mo", "mspace", "mtext")


def formulas(latex: str) -> list[Markup] | None:
    """The parts of a statement as MathML, or None where the LaTeX is beyond the converter."""
    try:
        return typeset(latex)
    except Untypeset:
        return None


@cache
def typeset(latex: str) -> list[Markup]:
    """The same.

    Raises:
        Untypeset: the LaTeX is beyond the converter, with what it stumbles over.
    """
    try:
        parts = [_math(part) for part in split_at_quads(latex)]
    except Exception as error:  # the converter has many ways to fail, some of them IndexError
        told = str(error) or type(error).__name__
        raise Untypeset(f"statement {latex!r} cannot be typeset: {told}") from error
    if not parts:
        raise Untypeset(f"statement is {latex!r}; it must be LaTeX that can be typeset")
    return parts


def split_at_quads(latex: str) -> list[str]:
    """Split at \\quad and \\qquad outside braces, so that a long statement can wrap."""
    parts, depth, start = [], 0, 0
    for token in re.finditer(
        r"\\[{}]|[{}]|\\q?quad(?![A-Za-z])|\\(?:left|right)(?![A-Za-z])", latex
    ):
        text = token.group()
        depth += {"{": 1, "}": -1, r"\left": 1, r"\right": -1}.get(text, 0)
        if text.endswith("quad") and depth == 0:
            parts.append(latex[start : token.start()])
            start = token.end()
    parts.append(latex[start:])
    return [part.strip() for part in parts if part.strip()]


def _math(latex: str) -> Markup:
    # \! has no width in MathML Core, and would be an invalid length
    element = convert_to_element(latex.replace(r"\!", ""), display="block")
    element.attrib.pop("xmlns", None)
    _set_type(element)
    text = ET.tostring(element, encoding="unicode", short_empty_elements=False)
    return Markup(text)


def _set_type(element: ET.Element) -> None:
    """What TeX does and the converter leaves out: limits below, thin spaces around log, text."""
    for child in element:
        _set_type(child)
    element.text = unescape(element.text or "")
    if element.text.startswith("\\"):
        raise ValueError(f"{element.text} is unknown to the converter")
    if element.tag == "msub" and element[0].text in ("min", "max", "lim", "sup", "inf"):
        element.tag = "munder"
    if element.tag == "mtext" and element.text:
        element.text = element.text.replace(" ", "\N{NO-BREAK SPACE}")
    if element.tag in ("mrow", "math", "mstyle"):
        _space_functions(element)


def _space_functions(row: ET.Element) -> None:
    children = list(row)
    for position in reversed(range(len(children))):
        if not _is_function(children[position]):
            continue
        after = children[position + 1] if position + 1 < len(children) else None
        if after is not None and after.tag not in _SPACED:
            row.insert(position + 1, ET.Element("mspace", {"width": _SPACE}))
        if position > 0 and children[position - 1].tag not in _SPACED:
            row.insert(position, ET.Element("mspace", {"width": _SPACE}))


def _is_function(element: ET.Element) -> bool:
    """log, cos, min ... , alone or with limits."""
    if element.tag == "munder":
        return True
    return element.tag in ("mi", "mo") and bool(_FUNCTION.fullmatch(element.text or ""))
