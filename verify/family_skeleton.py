"""What `new claim NAME --family FAMILY` writes: a claim of the suite, its measurement beside it."""

from pathlib import Path
from typing import Final

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.catalogue import all_claims
from verify.registry import parse, registry
from verify.skeleton import check_name

CLAIMS: Final = Path("verify") / "claims"
"""Families, in a checkout of this repository."""

REGISTRY: Final = Path("verify") / "registry.toml"


def write_family_claim(name: str, family: str, checkout: Path) -> tuple[Path, ...]:
    """Write a measurement and a claim with a false reading, into a family old or new.

    The registry gets a draft of their entries, without which no claim is found. The files written.

    Raises:
        InvalidInput: the name is no id or is taken, the family is no package name, `checkout` is
            no checkout of this repository, a file exists, or the registry has such an entry.
    """
    module = name.replace("-", "_")
    for wanted in (name, _false(name)):
        check_name(wanted)
        if wanted in all_claims():
            raise InvalidInput(
                f"name is {name!r}; the suite has a claim {wanted!r}, choose another"
            )
    if not family.isidentifier() or family != family.lower():
        raise InvalidInput(
            f"family is {family!r}; it must be words of lower-case letters joined by underscores: "
            f"one of {', '.join(registry().families)}, or a new one"
        )
    if not (checkout / CLAIMS).is_dir():
        raise InvalidInput(
            f"{checkout / CLAIMS} is not there; run this in a checkout of the repository, or leave "
            "--family out for a claim of your own"
        )
    texts = {f"{module}_measured.py": _MEASURED, f"{module}.py": _CLAIM}
    if not (checkout / CLAIMS / family / "__init__.py").exists():
        texts = {"__init__.py": _PACKAGE} | texts
    files = {checkout / CLAIMS / family / file: text for file, text in texts.items()}
    for path in files:
        if path.exists():
            raise InvalidInput(f"{path} exists already; nothing was written")
    known = _with_entries(checkout / REGISTRY, name, family)
    for path, text in files.items():
        filled = text.replace("MODULE", module).replace("NAME", name)
        write_text(path, filled.replace("FAMILY", family))
    write_text(checkout / REGISTRY, known)
    return tuple(files)


def _false(name: str) -> str:
    return f"{name}-as-often-read"


def _with_entries(path: Path, name: str, family: str) -> str:
    """The registry with the claims at its end, and a family that is new after the others."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror})") from None
    if family not in parse(text).families:
        before, claims, after = text.partition("[[claims]]")
        text = before + _FAMILY.replace("FAMILY", family) + claims + after
    text += "\n" + _ENTRY.replace("NAME", name).replace("FAMILY", family)
    parse(text)
    return text


_PACKAGE: Final = '"""FAMILY: what these theorems are about, in one line."""\n'

_MEASURED: Final = '''"""What the claims of MODULE.py measure, once for all of them.

As it stands: x' = -x for a time, by an integrator and by the exponential.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.plain_flow import plain_flow
from verify.instances.record import Record
from verify.language import Measurement, Quantity, in_words
from verify.strategies.sizes import Sizes

TIMES = np.array([0.5, 1.0, 2.0])


# 1. An instance: a frozen record of few and readable numbers, written to JSON as it is.
@dataclass(frozen=True)
class Started(Record):
    start: float


# 2. Instances that meet the assumptions by construction.
@st.composite
def starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Started:
    """Quarters from 1/4 to 4."""
    del families, sizes
    return Started(draw(st.integers(1, 16)) / 4)


# 3. What is measured, with its error. Raise theory.errors.NumericalFailure where it cannot be.
@dataclass(frozen=True, eq=False)
class Decay:
    """x at `TIMES`, `(3,)`."""

    start: float
    states: Quantity


def measure(told: Started, pace: float = 1.0) -> Decay:
    """By integration; in a wrong world time runs at another pace."""
    flow = plain_flow(lambda _, x: -pace * x, np.array([told.start]), TIMES)
    return Decay(told.start, Quantity.paired(lambda x: x[:, 0], flow.tight, flow.loose, 1e-12))


# 4. The same by a route that shares no errors with the first.
def exactly(told: Started) -> Decay:
    states: Floats = told.start * np.exp(-TIMES)
    return Decay(told.start, Quantity.rounded(states, states))


MEASURED = Measurement(
    "NAME",
    Started,
    ("any",),
    starts,
    measure,
    in_words("what the theorem assumes"),
    sabotaged={"time twice as fast": lambda told: measure(told, pace=2.0)},
    independent=exactly,
)
'''

_CLAIM: Final = '''"""NAME: what the theorem says, and what it is often read to say."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.claims.FAMILY.MODULE_measured import MEASURED, TIMES, Decay
from verify.language import Claim, Law, equals, stated
from verify.registry import source_of


# 5. Constants of the theorem, each with the wrong values that one might believe in: five at least.
@dataclass(frozen=True)
class Theory:
    """x(t) = factor x(0) e^(-rate t)."""

    rate: float = stated(
        1.0,
        half=(0.5, "e^(-t/2)"),
        twice=(2.0, "e^(-2t)"),
        growing=(-1.0, "e^t"),
    )
    factor: float = stated(1.0, halved=(0.5, "x(0)/2"), doubled=(2.0, "2 x(0)"))


# 6. What is asserted of the record; every law on every instance.
def laws(measured: Decay, theory: Theory) -> Iterator[Law]:
    predicted = theory.factor * np.exp(-theory.rate * TIMES)
    yield equals("x(t) / x(0)", measured.states / measured.start, predicted, 1e-9, at=TIMES)


# 7. The false reading: its own theory or its own laws, with rivals that are false as well.
@dataclass(frozen=True)
class AsOftenRead:
    """x(t) = x(0) (1 - rate t)."""

    rate: float = stated(
        1.0,
        half=(0.5, "1 - t/2"),
        twice=(2.0, "1 - 2t"),
        growing=(-1.0, "1 + t"),
        resting=(0.0, "1"),
        third=(0.33, "1 - t/3"),
    )


def laws_as_often_read(measured: Decay, theory: AsOftenRead) -> Iterator[Law]:
    predicted = 1.0 - theory.rate * TIMES
    yield equals("x(t) / x(0)", measured.states / measured.start, predicted, 0.05, at=TIMES)


CLAIMS = (
    Claim(
        id="NAME",
        title="What the theorem says, in one line",
        statement=r"x(t) = x(0) e^{-t}",
        source=source_of("NAME"),
        measurement=MEASURED,
        theory=Theory(),
        laws=laws,
        # 8. Where each bound comes from, for the reader of the report.
        tolerances=("exact: 1e-9, for an integration at 1e-11",),
    ),
    Claim(
        id="NAME-as-often-read",
        title="As often read: what the theorem does not say",
        statement=r"x(t) = x(0) (1 - t)",
        source=source_of("NAME-as-often-read"),
        measurement=MEASURED,
        theory=AsOftenRead(),
        laws=laws_as_often_read,
        tolerances=("5 % of the start",),
        expected="falsified",
    ),
)
'''

_FAMILY: Final = """[families.FAMILY]
title = "What these theorems are about"
about = "In one sentence: setting and assumptions."
tags = []

"""

_ENTRY: Final = """[[claims]]
id = "NAME"
family = "FAMILY"
own = "what of the statement is not in the paper"
expected = "holds"
says = "what it says, in one line"
rests_on = "the sharpest evidence"
counterparts = ["NAME-as-often-read"]

[[claims]]
id = "NAME-as-often-read"
family = "FAMILY"
own = "how it is read"
expected = "falsified"
says = "what is false, in one line"
instead = "what is true in its place"
counterparts = ["NAME"]
"""
