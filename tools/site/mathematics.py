"""Formulas of Markdown as MathML, which browsers set without a script or a font from elsewhere."""

import re
from typing import Final

from verify.mathml import formulas

_BLOCK: Final = re.compile(
    r"^```math\n(?P<fenced>.*?)^```$|^\$\$(?P<dollars>.+?)\$\$$", re.MULTILINE | re.DOTALL
)
_CODE_OR_INLINE: Final = re.compile(
    r"(?P<code>^```.*?^```$|`[^`\n]*`)|(?<![\\$\w])\$(?P<latex>[^$\s](?:[^$\n]*[^$\s])?)\$(?![\w$])",
    re.MULTILINE | re.DOTALL,
)


def with_mathml(markdown: str) -> str:
    """Markdown with its formulas converted: fenced ones, `$$...$$` and `$...$`.

    Raises:
        ValueError: LaTeX beyond the converter; the build of the site ends.
    """

    def block(match: re.Match[str]) -> str:
        return (
            f'<div class="formula">{"".join(_converted(match["fenced"] or match["dollars"]))}</div>'
        )

    def inline(match: re.Match[str]) -> str:
        if match["code"] is not None:
            return match["code"]
        return "".join(_converted(match["latex"])).replace('display="block"', 'display="inline"')

    return _CODE_OR_INLINE.sub(inline, _BLOCK.sub(block, markdown))


def _converted(latex: str) -> list[str]:
    parts = formulas(" ".join(latex.split()))
    if parts is None:
        raise ValueError(f"no MathML for {latex!r}")
    return [str(part) for part in parts]
