"""tables.tex: the results as tables for a paper; report.tex: a document that holds them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unicodedata import name, normalize

from verify.report import words

ROWS = 24
"""Rows of a table: more go to a next one, so that each fits on a page."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "|": "$|$",
    "<": "$<$",
    ">": "$>$",
    '"': "''",
    "`": "'",
}
_SIGNS = {
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≠": r"$\ne$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "°": r"$^\circ$",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "\N{NO-BREAK SPACE}": "~",
}
_GREEK_CAPITALS = {"GAMMA", "DELTA", "THETA", "LAMDA", "XI", "PI", "SIGMA", "PHI", "PSI", "OMEGA"}
_RAISED, _LOWERED, _LEVEL = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "₋₀₁₂₃₄₅₆₇₈₉", "-0123456789"
_PIECES = re.compile(f"([{_RAISED}]+)|([{_LOWERED}]+)|(.)", re.S)


def tex(plain: str) -> str:
    """Text that LaTeX sets as it reads, with no package: special characters, Greek, exponents."""
    return _PIECES.sub(_set, " ".join(plain.split()))


def _set(match: re.Match[str]) -> str:
    raised, lowered, character = match.groups()
    if raised:
        return f"$^{{{raised.translate(str.maketrans(_RAISED, _LEVEL))}}}$"
    if lowered:
        return f"$_{{{lowered.translate(str.maketrans(_LOWERED, _LEVEL))}}}$"
    return _character(character)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _SIGNS:
        return _SIGNS[character]
    if " " <= character <= "~":
        return character
    greek = _greek(character)
    if greek is not None:
        return rf"$\{greek}$"
    base = normalize("NFKD", character).encode("ascii", "ignore").decode().strip()
    base = base if base.isprintable() else ""
    if base:
        return "".join(_SPECIAL.get(letter, letter) for letter in base)
    return rf"\texttt{{U+{ord(character):04X}}}"


def _greek(character: str) -> str | None:
    """The LaTeX command of a Greek letter that has one."""
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", name(character, ""))
    if found is None or found[2] == "OMICRON":
        return None
    letter = found[2].replace("LAMDA", "LAMBDA")
    if found[1] == "SMALL":
        return letter.lower()
    return letter.capitalize() if found[2] in _GREEK_CAPITALS else None


def tables(results: Mapping[str, Any]) -> str:
    """Tables of verdicts, of rates and, where it was measured, of power; needs booktabs."""
    claims = results["claims"]
    made_by = tex(results["command"])
    commit = tex(str(results["environment"].get("commit") or "unknown"))
    blocks = [
        "% needs \\usepackage{booktabs}",
        "% made by " + " ".join(results["command"].split()),
        *_table(
            "verdicts",
            f"Verdicts on {len(claims)} claims",
            "a star marks a statement kept because it fails. Worst: the largest value over its "
            "bound on any instance. Rivals: wrong statements rejected on the same instances. "
            f"Seed {results['seed']}, commit \\texttt{{{commit}}}, \\texttt{{{made_by}}}.",
            "llrrr",
            ("Claim", "Verdict", "Instances", "Worst", "Rivals"),
            [_verdict(claim) for claim in claims],
        ),
        *_table(
            "rates",
            "Fitted rates",
            "medians over instances with their 95\\,\\% intervals.",
            r"p{0.3\textwidth}rrcl",
            ("Rate", "Predicted", "Fitted", "Interval", "Judgement"),
            [row for claim in claims for row in _rates(claim)],
        ),
        *_table(
            "power",
            "Power",
            "the smallest relative error of a constant from which on every detuning is rejected.",
            "llrr",
            ("Claim", "Constant", "Value", "Noticed"),
            [row for claim in claims for row in _power(claim)],
        ),
    ]
    return "\n".join(blocks) + "\n"


def document() -> str:
    """A document around tables.tex, which lies beside it."""
    return "\n".join(
        (
            r"\documentclass{article}",
            r"\usepackage{booktabs}",
            r"\begin{document}",
            r"\section*{Claims about training dynamics: results}",
            r"\input{tables}",
            r"\end{document}",
            "",
        )
    )


def _verdict(claim: Mapping[str, Any]) -> tuple[str, ...]:
    expected = "" if claim["verdict"] == claim["expected"] else f" (expected {claim['expected']})"
    star = "$^*$" if claim["expected"] == "falsified" else ""
    rejected = sum(rival["rejected"] for rival in claim["rivals"])
    return (
        _identifier(claim),
        tex(claim["verdict"] + expected) + star,
        str(claim["examples"]),
        tex(words.share(words.ratio(claim["worst"]))),
        f"{rejected} of {len(claim['rivals'])}",
    )


def _identifier(claim: Mapping[str, Any]) -> str:
    return rf"\texttt{{{tex(claim['id'])}}}"


def _rates(claim: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A line with the claim, then one for each rate."""
    if claim["rates"]:
        yield (rf"\multicolumn{{5}}{{l}}{{{_identifier(claim)}}}",)
    for rate in claim["rates"]:
        fitted, low, high = (
            tex(words.decimals(rate[key], rate["tolerance"])) for key in ("fitted", "low", "high")
        )
        yield (
            r"\raggedright\quad " + tex(words.symbols(rate["quantity"])),
            tex(f"{words.number(rate['predicted'], 4)} ± {words.number(rate['tolerance'], 2)}"),
            fitted,
            f"[{low}, {high}]",
            tex(rate["judgement"]),
        )


def _power(claim: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for entry in claim.get("power") or ():
        detected = entry["detected"]
        noticed = "none" if detected is None else f"± {words.number(100 * detected)} %"
        value = tex(words.number(entry["value"], 4))
        yield _identifier(claim), tex(entry["constant"]), value, tex(noticed)


def _table(
    label: str,
    title: str,
    notes: str,
    columns: str,
    header: Sequence[str],
    rows: Sequence[tuple[str, ...]],
) -> Iterator[str]:
    """One table, or several of at most `ROWS` rows; none without rows."""
    for start in range(0, len(rows), ROWS):
        caption = f"{title}, continued." if start else f"{title}: {notes}"
        yield ""
        yield r"\begin{table}[htbp]"
        yield r"\centering\footnotesize\setlength{\tabcolsep}{4pt}"
        yield rf"\caption{{{caption}}}"
        yield rf"\label{{tab:{label}{f'-{start // ROWS + 1}' if start else ''}}}"
        yield rf"\begin{{tabular}}{{{columns}}}"
        yield r"\toprule"
        yield " & ".join(header) + r" \\"
        yield r"\midrule"
        for cells in rows[start : start + ROWS]:
            yield " & ".join(cells) + r" \\"
        yield r"\bottomrule"
        yield r"\end{tabular}"
        yield r"\end{table}"
