"""The page of figures: those that exist in a folder, with titles, captions and data."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from verify.atomic import write_text
from verify.figures.base import FigureSpec

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
figure { margin: 3rem 0 } img { max-width: 100%; background: white; border-radius: .5rem }
figcaption { margin-top: .5rem } small { opacity: .75 }
:root { color-scheme: light dark }
"""


def write_gallery(folder: Path, figures: Sequence[FigureSpec]) -> Path:
    """Write `folder`/index.html over the figures made so far."""
    made = [figure for figure in figures if (folder / f"{figure.name}.svg").exists()]
    body = "\n".join(map(_entry, made)) or "<p>No figure has been made yet.</p>"
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Figures</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Figures</h1>\n"
        f"{body}\n</body>\n</html>\n"
    )
    path = folder / "index.html"
    write_text(path, page)
    return path


def _entry(figure: FigureSpec) -> str:
    name = escape(figure.name)
    return (
        f'<figure id="{name}">\n<h2>{escape(figure.title)}</h2>\n'
        f'<img src="{name}.svg" alt="{escape(figure.title)}">\n'
        f"<figcaption>{escape(figure.caption)}<br>\n<small>{escape(figure.source)} · "
        f'<a href="{name}.csv">data</a> · <a href="{name}.png">PNG</a></small></figcaption>\n'
        "</figure>"
    )
