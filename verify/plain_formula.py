"""Formulas as plain text."""

import re
from collections.abc import Callable
from typing import Final

_GREEK: Final = {
    name.rstrip("_"): chr(code)
    for names, first in (
        (
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi o pi rho",
            0x3B1,
        ),
        ("sigma tau upsilon varphi chi psi omega", 0x3C3),
        ("Gamma Delta", 0x393),
    )
    for code, name in enumerate(names.split(), first)
} | {
    "phi": "φ",
    "varepsilon": "ε",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Omega": "Ω",
}

_SIGNS: Final = {
    "to": "→", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "in": "∈",
    "infty": "∞", "nabla": "∇", "partial": "∂", "sum": "Σ", "int": "∫", "prod": "Π", "ell": "ℓ",
    "langle": "<", "rangle": ">", "cdot": "·", "times": "×", "top": "T", "sim": "~", "pm": "±",
    "approx": "≈", "propto": "∝", "equiv": "≡", "iff": "⇔", "Rightarrow": "⇒", "implies": "⇒",
    "ll": "≪", "gg": "≫", "forall": "∀", "circ": "∘", "otimes": "⊗", "odot": "⊙", "angle": "∠",
    "mid": "|", "lVert": "|", "rVert": "|", "mapsto": "↦", "dagger": "†", "dots": "...",
    "ldots": "...", "cdots": "...",
}  # fmt: skip

_CHARACTERS: Final = {**_GREEK, **_SIGNS, "quad": " ", "qquad": "  "}

_DROPPED: Final = re.compile(
    r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|limits|mathrm|text|mathcal|mathbb|mathbf"
    r"|operatorname|boldsymbol|mathsf|textstyle)(?![A-Za-z])[lr]?"
)

_ACCENTS: Final = {"bar": "̄", "dot": "̇", "hat": "̂", "tilde": "̃"}


def plain_formula(latex: str) -> str:
    """A LaTeX formula as one line of plain text, to be read; not meant to be parsed again."""
    text = _DROPPED.sub("", latex)
    text = re.sub(r"\\[dt]?frac ?(\d)(\d)", r"\1/\2", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = _with_arguments(
        text, r"\log\frac", 2, lambda a, b: rf"\log({_grouped(a)}/{_grouped(b)})"
    )
    text = _with_arguments(text, r"\frac", 2, lambda a, b: f"{_grouped(a)}/{_grouped(b)}")
    text = re.sub(r"\\frac ?(\w)(\\[A-Za-z]+|\w)", r"\1/\2", text)
    text = _with_arguments(text, r"\sqrt", 1, lambda a: f"√{_grouped(a)}")
    for name, mark in _ACCENTS.items():
        text = re.sub(rf"\\{name} ?\{{? ?(\\[A-Za-z]+|\w) ?\}}?", rf"\1{mark}", text)
    text = text.replace(r"\|", "|").replace(r"\!", "").replace(r"\,", " ").replace(r"\;", " ")
    text = text.replace(r"\{", "(").replace(r"\}", ")").replace("\\ ", " ")
    text = re.sub(r"\\([A-Za-z]+)", lambda m: _CHARACTERS.get(m[1], m[1] + " "), text)
    text = re.sub(r"([_^])\{([^{}]{1,2})\}", r"\1\2", text)
    text = re.sub(r"([_^])\{([^{}]*)\}", r"\1(\2)", text)
    text = text.replace("{", "").replace("}", "").replace("~", " ~ ")
    text = re.sub(r" +([_^])", r"\1", text.replace("\\", " "))
    return re.sub(r"\s+", " ", text).strip()


def _grouped(text: str) -> str:
    simple = re.fullmatch(r"[\w.]*(\\?[A-Za-z]+\([^()]*\))?|\\[A-Za-z]+", text.strip())
    return text.strip() if simple else f"({text.strip()})"


def _with_arguments(text: str, command: str, count: int, said: Callable[..., str]) -> str:
    """Every use of a command with so many arguments in braces, put as `said` says."""
    while (start := text.rfind(command + "{")) >= 0:
        arguments, end = [], start + len(command)
        for _ in range(count):
            closing = _closing(text, end)
            if closing is None:
                return text.replace(command, command[1:] + " ")
            arguments.append(text[end + 1 : closing])
            end = closing + 1
        text = text[:start] + said(*arguments) + text[end:]
    return text


def _closing(text: str, opening: int) -> int | None:
    """Where the brace that opens there is closed."""
    if opening >= len(text) or text[opening] != "{":
        return None
    depth = 0
    for place in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None
