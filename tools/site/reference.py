"""The reference: a page for each public package, which mkdocstrings fills from its docstrings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

FOLDER: Final = "reference"
_FOR_RUNS: Final = ("verify.diagnose",)
_FOR_AUTHORS: Final = ("verify.language", "verify.strategies", "verify.instances")


def reference_pages(root: Path) -> dict[str, str]:
    """The Markdown of each page by its path in the site, with an index.

    Args:
        root: of the repository; packages are found by their folders.
    """
    theory = sorted(
        ".".join(("theory", path.parent.name)) for path in root.glob("theory/*/__init__.py")
    )
    modules = sorted(f"theory.{path.stem}" for path in _modules(root / "theory"))
    pages = {
        f"{FOLDER}/{name}.md": _page(name)
        for name in ("theory", *theory, *_FOR_RUNS, *_FOR_AUTHORS)
    }
    pages[f"{FOLDER}/theory.modules.md"] = "# Single modules of theory\n\n" + "\n".join(
        f"::: {name}\n    options:\n      heading_level: 2\n" for name in modules
    )
    return pages | {f"{FOLDER}/index.md": _index(root, theory)}


def _modules(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.py") if not path.stem.startswith("_")]


def _page(name: str) -> str:
    return f"# {name}\n\n::: {name}\n    options:\n      show_root_heading: false\n"


def _index(root: Path, theory: list[str]) -> str:
    return "\n".join(
        [
            "# Reference",
            "",
            "[`theory`](theory.md) has what most programs need. Its packages have the rest;",
            "what is in no package is on [one page](theory.modules.md).",
            "",
            *_table(root, theory),
            "For training runs of one's own:",
            "",
            *_table(root, _FOR_RUNS),
            "For authors of claims:",
            "",
            *_table(root, _FOR_AUTHORS),
        ]
    )


def _table(root: Path, names: Iterable[str]) -> list[str]:
    rows = [f"| [`{name}`]({name}.md) | {_first_line(root, name)} |" for name in names]
    return ["| package | holds |", "| --- | --- |", *rows, ""]


def _first_line(root: Path, name: str) -> str:
    text = root.joinpath(*name.split("."), "__init__.py").read_text("utf-8")
    return text.split('"""')[1].strip().splitlines()[0]
