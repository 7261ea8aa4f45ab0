"""Which assumptions the run meets, and which theorems speak of it."""

from typing import Any, Final

from theory.errors import NumericalFailure
from theory.observed.kinks import share_on_kinks
from verify.diagnose.start import Start

ZERO_OUTPUT: Final = 1e-6
"""Relative to |theta| |grad f|, as in `theory.assumptions`."""


def assumptions(start: Start) -> list[dict[str, Any]]:
    """Each with `met` (True, False, or None where it is not known) and in words what was found."""
    degree = start.degree
    kinks = share_on_kinks(start.observed)
    relative = start.relative_output
    found = [
        _entry(
            "homogeneity",
            degree.exact,
            f"degree {degree.rounded:g}"
            if degree.exact
            else f"<theta, grad f> = L f fails by {degree.spread:.2g} relative",
        ),
        _entry(
            "smoothness",
            None if kinks is None else False,
            "no ReLU modules were found; functions called in forward are not seen"
            if kinks is None
            else "rectifiers have kinks: statements on KKT points then are in the sense of Clarke",
        ),
        _entry("zero output", relative <= ZERO_OUTPUT, f"|f| / |theta||grad f| is {relative:.2g}"),
        _separability(start),
        _entry(
            "weight decay",
            bool(start.options.decay),
            f"lambda = {start.options.decay:g}" if start.options.decay else "none was given",
        ),
        _entry("large start", start.norm > 1.0, f"|theta_0| = {start.norm:.4g}"),
    ]
    met = {entry["name"]: entry["met"] for entry in found}
    return [*found, *_theorems(met)]


def _entry(name: str, met: bool | None, words: str) -> dict[str, Any]:
    return {"name": name, "met": met, "words": words}


def _separability(start: Start) -> dict[str, Any]:
    name = "separability" if start.observed.rows.kind != "targets" else "realizability"
    try:
        machine = start.machine
    except NumericalFailure as error:
        return _entry(name, None, str(error))
    if machine.margin is None:
        return _entry(name, True, f"kernel regression leaves {machine.certificate:.1g}")
    return _entry(name, True, f"kernel margin {machine.margin:.4g}")


THEOREMS: Final = {
    "kernel machine before t_g, KKT after it (Lyu et al., ICLR 2024)": (
        "homogeneity",
        "zero output",
        "weight decay",
        "large start",
    ),
    "KKT direction of late training without decay (Lyu and Li, ICLR 2020)": ("homogeneity",),
    "balance of layers (Du, Hu, Lee, NeurIPS 2018)": ("homogeneity",),
}


def _theorems(met: dict[str, bool | None]) -> list[dict[str, Any]]:
    found = []
    for theorem, needed in THEOREMS.items():
        failing = [name for name in needed if met[name] is False]
        if theorem.startswith("KKT") and met["weight decay"]:
            failing = ["training without decay"]
        words = f"speaks of this run, given {', '.join(needed)}"
        if failing:
            words = f"does not speak of this run: {', '.join(failing)} not met"
        found.append(_entry(theorem, not failing, words))
    return found
