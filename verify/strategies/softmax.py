"""Formats and numbers of classes."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from theory.softmax import Format
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

FORMATS = ("float32", "float64", "float16")


@dataclass(frozen=True)
class Classes(Record):
    """K classes whose logits are numbers of a format."""

    format: Literal["float16", "float32", "float64"]
    classes: int

    @property
    def form(self) -> Format:
        return Format(self.format)


@st.composite
def classes(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Classes:
    """Families are those of `FORMATS`."""
    del sizes
    name = draw(st.sampled_from(families))
    count = draw(st.one_of(st.integers(2, 12), st.integers(13, 128)))
    return Classes("float16" if name == "float16" else _wide(name), count)


def _wide(name: str) -> Literal["float32", "float64"]:
    return "float32" if name == "float32" else "float64"
