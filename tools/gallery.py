"""The gallery of the documentation: figures made by the code, with what is judged of them.

`python -m tools.gallery NAME ...` makes figures anew, in docs/figures; without names it only writes
docs/gallery.md over those that lie there.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from verify.figures import all_figures, figure_named
from verify.figures.make import make_figure

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "docs" / "figures"
PAGE: Final = ROOT / "docs" / "gallery.md"

_HEAD: Final = """<!-- written by python -m tools.gallery -->

# Gallery

Figures of the preset `quick`, made by `python -m verify figure NAME`. What each is said to show
is judged by the judge of the claims, beside a wrong variant that it must refute. `--preset paper`
takes the sizes of the papers. All formats (CSV, PNG, SVG, PDF) go to `reports/figures`.
"""


def main(names: Sequence[str]) -> None:
    """Make the named figures, then the page of all that there are."""
    for name in names:
        with TemporaryDirectory() as folder:
            make_figure(figure_named(name), "quick", Path(folder), print)
            for kind in ("png", "json"):
                made = Path(folder, f"{name}.{kind}")
                FIGURES.joinpath(made.name).write_bytes(made.read_bytes())
    PAGE.write_text(page(told(FIGURES), {n: f.title for n, f in all_figures().items()}), "utf-8")


def told(folder: Path) -> list[dict[str, Any]]:
    """What was written beside each figure of a folder."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def page(made: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """The page as Markdown: figures with their outcomes, then what else can be made.

    Args:
        made: what is told of each figure that lies beside the page.
        titles: of all figures, by name.
    """
    shown = {figure["name"] for figure in made}
    others = [
        f"| `{name}` | {plain(title)} |" for name, title in titles.items() if name not in shown
    ]
    listed = ["## Others", "", "| figure | shows |", "| --- | --- |", *others, ""] if others else []
    return "\n".join([_HEAD, *map(_section, made), *listed])


def _section(figure: Mapping[str, Any]) -> str:
    name, title = figure["name"], plain(figure["title"])
    about = (
        f"{plain(figure['caption'])}. {plain(figure['source'])}; `python -m verify figure {name}`."
    )
    outcomes = map(_outcome, figure["outcomes"])
    return "\n".join(
        [f"## {title}\n", f"![{title}](figures/{name}.png)\n", f"{about}\n", *outcomes, ""]
    )


def _outcome(outcome: Mapping[str, Any]) -> str:
    rejected = "refuted" if outcome["rival_rejected"] else "not refuted"
    said, wrong = plain(outcome["statement"]), plain(outcome["rival"])
    return f"- **{outcome['told']}**: {said}. The wrong variant is {rejected}: {wrong}."


def plain(text: str) -> str:
    """Words that are no Markdown, nor cells of a table."""
    return re.sub(r"([*_|$<\\])", r"\\\1", text).rstrip(".")


if __name__ == "__main__":
    main(sys.argv[1:])
