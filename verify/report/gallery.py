"""The page of figures: those that exist in a folder, with titles, captions and data."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from verify.atomic import write_text
from verify.figures.base import FigureSpec

FILES = ("csv", "png", "svg", "pdf")

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
figure { margin: 3rem 0 } img { max-width: 100%; background: white; border-radius: .5rem }
figcaption { margin-top: .5rem } small { opacity: .75 }
:root { color-scheme: light dark }
"""


def write_gallery(folder: Path, figures: Sequence[FigureSpec]) -> Path:
    """Write `folder`/index.html over the figures made so far."""
    made = [figure for figure in figures if (folder / f"{figure.name}.svg").exists()]
    body = (
        "\n".join(_entry(figure, folder) for figure in made)
        or "<p>No figure has been made yet.</p>"
    )
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Figures</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Figures</h1>\n"
        f"{body}\n</body>\n</html>\n"
    )
    path = folder / "index.html"
    write_text(path, page)
    return path


def _entry(figure: FigureSpec, folder: Path) -> str:
    name, told = escape(figure.name), _told(folder / f"{figure.name}.json")
    preset = f"preset {told['preset']} · " if "preset" in told else ""
    files = " · ".join(f'<a href="{name}.{kind}">{kind.upper()}</a>' for kind in FILES)
    return (
        f'<figure id="{name}">\n<h2>{escape(figure.title)}</h2>\n'
        f'<img src="{name}.svg" alt="{escape(figure.title)}">\n'
        f"<figcaption>{escape(figure.caption)}<br>\n<small>{escape(preset)}"
        f"{escape(figure.source)} · {files}</small></figcaption>\n"
        f"{_outcomes(told.get('outcomes', []))}</figure>"
    )


def _told(path: Path) -> dict[str, Any]:
    """What was written beside the figure; nothing for one that is older."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def _outcomes(found: Sequence[dict[str, Any]]) -> str:
    """What the figure is said to show, with the verdicts; nothing for a figure without outcomes."""
    return "<ul>\n" + "".join(map(_outcome, found)) + "</ul>\n" if found else ""


def _outcome(outcome: dict[str, Any]) -> str:
    rejected = "refuted" if outcome["rival_rejected"] else "not refuted"
    return (
        f"<li><strong>{escape(outcome['told'])}:</strong> {escape(outcome['statement'])} "
        f"<small>The wrong variant, {escape(outcome['rival'])}, is {rejected}.</small></li>\n"
    )
