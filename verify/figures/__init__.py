"""Figures, mostly one a file. A new file with a `FIGURE` or `FIGURES` is found by itself."""

from importlib import import_module
from pkgutil import iter_modules

from theory.errors import InvalidInput
from verify.figures.base import FigureSpec


def all_figures() -> dict[str, FigureSpec]:
    """Every figure of this package, by name."""
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    figures = [module.FIGURE for module in modules if hasattr(module, "FIGURE")]
    figures += [figure for module in modules for figure in getattr(module, "FIGURES", ())]
    return {figure.name: figure for figure in sorted(figures, key=lambda figure: figure.name)}


def figure_named(name: str) -> FigureSpec:
    """The figure of that name; `InvalidInput` lists the known ones otherwise."""
    figures = all_figures()
    if name not in figures:
        raise InvalidInput(f"figure is {name!r}; known are {', '.join(figures) or 'none'}")
    return figures[name]
