"""Formulas of Markdown as MathML, which browsers set without a script or a font from elsewhere."""

import re
from typing import Final

from verify.report.mathml import formulas

_FENCED: Final = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE_OR_INLINE: Final = re.compile(
    r"(?P<code>^```.*?^```$|`[^`\n]*`)|(?<![\\$\w])\$(?P<latex>[^$\s](?:[^$\n]*[^$\s])?)\$(?![\w$])",
    re.MULTILINE | re.DOTALL,
)


def with_mathml(markdown: str) -> str:
    """Markdown with its fenced formulas and its `$...$` converted.

    Raises:
        ValueError: LaTeX beyond the converter; the build of the site ends.
    """

    def block(match: re.Match[str]) -> str:
        return f'<div class="formula">{"".join(_converted(match[1]))}</div>'

    def inline(match: re.Match[str]) -> str:
        if match["code"] is not None:
            return match["code"]
        return "".join(_converted(match["latex"])).replace('display="block"', 'display="inline"')

    return _CODE_OR_INLINE.sub(inline, _FENCED.sub(block, markdown))


def _converted(latex: str) -> list[str]:
    parts = formulas(" ".join(latex.split()))
    if parts is None:
        raise ValueError(f"no MathML for {latex!r}")
    return [str(part) for part in parts]
