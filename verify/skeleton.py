"""The file that `new claim NAME` writes: a small claim that is true, with rivals that are not."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.catalogue import all_claims

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_name(name: str) -> None:
    """`InvalidInput` unless it can be the id of a claim."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"name is {name!r}; it must be words of lower-case letters and digits, the first "
            "beginning with a letter, joined by hyphens"
        )


def write_claim(name: str, folder: Path) -> Path:
    """Write name_with_underscores.py in `folder`, whole or not at all; returns its path.

    Raises:
        InvalidInput: the name is no id, belongs to the suite or to a module that the file would
            hide from Python, or the file exists.
    """
    check_name(name)
    if name in all_claims():
        raise InvalidInput(f"name is {name!r}; the suite has a claim of that id, choose another")
    path = folder / f"{name.replace('-', '_')}.py"
    if path.exists():
        raise InvalidInput(f"{path} exists already; nothing was written")
    if _hides(path.stem):
        raise InvalidInput(
            f"name is {name!r}; a file {path.name} would hide the Python module of that name from "
            "whatever runs in its folder, choose another"
        )
    try:
        write_text(path, _SOURCE.replace("NAME", name).replace("FILE", path.name))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written ({error})") from None
    return path


def _hides(module: str) -> bool:
    """Whether there is a module of this name, which a file in the folder of work comes before."""
    return module in {"theory", "verify", *sys.stdlib_module_names, *packages_distributions()}


_SOURCE = '''"""NAME: what the theorem says, in one line.

    python -m verify run --module FILE

As it stands this file claims Euler's identity: a net f that is homogeneous of degree L in theta
has <theta, grad f(theta; x)> = L f(theta; x). Replace it, part by part, by a theorem of yours.
"""

from dataclasses import dataclass, replace

import numpy as np

from theory import Regime
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Measurement,
    equals,
    in_words,
    not_applicable,
    rate,
    stated,
)
from verify.strategies import problems


# 1. Instances: what the theorem speaks about, as a Hypothesis strategy that constructs only what
#    meets its assumptions, in the sizes of the profile. `problems` draws nets with a task;
#    verify.strategies has more.
def instances(families, sizes):
    regime = Regime(log10_alpha=8, decay_power=2)  # alpha and lambda: not used by this claim
    return problems(families, sizes=sizes).map(lambda problem: FlowInstance(problem, regime))


@dataclass(frozen=True)
class Measured:
    degree: int
    products: np.ndarray
    outputs: np.ndarray
    doubled: np.ndarray


# 2. Measurement: numbers of one instance. Raise theory.errors.NumericalFailure where they cannot
#    be computed; such an instance is inconclusive, it neither supports nor refutes.
def measure(instance):
    problem = instance.problem
    theta = np.random.default_rng(0).standard_normal(problem.parameters)
    return Measured(
        degree=problem.degree,
        products=problem.net.jacobian(theta, problem.inputs) @ theta,
        outputs=problem.net.outputs(theta, problem.inputs),
        doubled=problem.net.outputs(2 * theta, problem.inputs),
    )


# 3. A wrong world: the same record, observed where the theorem is false. The run requires your laws
#    to notice it; laws that compare a number with itself would not.
def with_an_offset(instance):
    measured = measure(instance)
    return replace(measured, outputs=measured.outputs + 1.0, doubled=measured.doubled + 1.0)


# 4. Theory: the constants of the theorem, each with the wrong values that one might believe in.
#    The run tries these rivals, and puts every number off by 50 to 2 % (whole ones by one).
@dataclass(frozen=True)
class Theory:
    factor: float = stated(
        1.0,
        half_the_degree=(0.5, "the constant is L / 2"),
        twice_the_degree=(2.0, "the constant is 2 L"),
    )
    shift: int = stated(
        0,
        degree_minus_one=(-1, "the constant is L - 1"),
        degree_plus_one=(1, "the constant is L + 1"),
        degree_plus_two=(2, "the constant is L + 2"),
    )


# 5. Laws: what the theorem asserts of the record. `equals` and `below` compare numbers with what is
#    allowed, given their numerical error; `rate` is an exponent or limit, whose median over all
#    instances is judged. Yield every law on every instance: where it does not speak, say why.
def laws(measured, theory):
    constant = theory.factor * measured.degree + theory.shift
    size = max(float(np.abs(measured.products).max()), 1.0)
    gap = float(np.abs(measured.products - constant * measured.outputs).max()) / size
    yield equals("gap in Euler's identity", gap, 0.0, 1e-10, Basis.IDENTITY, error=1e-13)
    exponent = "log2 f(2 theta) / f(theta)"
    if not measured.outputs.any():
        yield not_applicable(exponent, Kind.RATE, "a dead rectifier has no exponent")
        return
    k = int(np.argmax(np.abs(measured.outputs)))
    found = float(np.log2(abs(measured.doubled[k] / measured.outputs[k])))
    yield rate(exponent, found, constant, 1e-6, "the value at the largest output", error=1e-12)


CLAIM = Claim(
    id="NAME",
    title="The net is homogeneous in its parameters",
    statement=r"\\langle \\theta, \\nabla f(\\theta; x) \\rangle = L f(\\theta; x)",  # LaTeX
    source="Euler",  # paper, version, theorem or equation
    measurement=Measurement(
        id="NAME",
        kind=FlowInstance,
        families=("diagonal", "two_layer", "deep", "factorization"),
        instances=instances,
        measure=measure,
        assumptions=in_words("homogeneity", "smoothness"),
        sabotaged={"an output bias": with_an_offset},
    ),
    theory=Theory(),
    laws=laws,
    # 6. Tolerances: where each bound comes from, for the reader of the report.
    tolerances=("Euler's identity: exact; 1e-10 leaves room for rounding", "exponent: exact"),
)
'''
