"""The file that `new claim NAME` writes: a small claim that is true, with rivals that are not."""

import re
from pathlib import Path

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.catalogue import all_claims

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_claim(name: str, folder: Path) -> Path:
    """Write name_with_underscores.py in `folder`, whole or not at all; returns its path.

    Raises:
        InvalidInput: the name is no id, belongs to the suite, or the file exists.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"name is {name!r}; it must be words of lower-case letters and digits, the first "
            "beginning with a letter, joined by hyphens"
        )
    if name in all_claims():
        raise InvalidInput(f"name is {name!r}; the suite has a claim of that id, choose another")
    path = folder / f"{name.replace('-', '_')}.py"
    if path.exists():
        raise InvalidInput(f"{path} exists already; nothing was written")
    try:
        write_text(path, _SOURCE.replace("NAME", name).replace("FILE", path.name))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written ({error})") from None
    return path


_SOURCE = '''"""NAME: what the theorem says, in one line.

    python -m verify run --module FILE

As it stands this file claims Euler's identity: a net f that is homogeneous of degree L in theta
has <theta, grad f(theta; x)> = L f(theta; x). Replace it, part by part, by a theorem of yours.
"""

from dataclasses import dataclass, replace

import numpy as np

from theory import Regime
from verify.claims.base import Assertions, Bound, Claim, RateSample, Rival
from verify.instances import FlowInstance
from verify.strategies import problems


# 1. Instances: what the theorem speaks about, as a Hypothesis strategy that constructs only what
#    meets its assumptions. `problems` draws nets with a task; verify.strategies has more.
def instances(families):
    regime = Regime(log10_alpha=8, decay_power=2)  # alpha and lambda: not used by this claim
    return problems(families).map(lambda problem: FlowInstance(problem, regime))


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


# 3. Theory: the constants of the theorem. A rival is the same record with another value.
@dataclass(frozen=True)
class Theory:
    factor: float = 1.0
    shift: int = 0


# 4. Assertions: inequalities `value <= bound`, with the numerical error of the value, and rates
#    (exponents, limits), whose median over all instances is compared with the prediction.
def assertions(measured, theory):
    constant = theory.factor * measured.degree + theory.shift
    size = max(float(np.abs(measured.products).max()), 1.0)
    gap = float(np.abs(measured.products - constant * measured.outputs).max())
    bounds = (Bound("gap in Euler's identity", gap, 1e-10 * size, error=1e-12 * size),)
    if not measured.outputs.any():  # a dead rectifier has no exponent
        return Assertions(bounds)
    k = int(np.argmax(np.abs(measured.outputs)))
    exponent = float(np.log2(measured.doubled[k] / measured.outputs[k]))
    method = "the value at the largest output"
    rate = RateSample("log2 f(2 theta) / f(theta)", constant, exponent, 1e-6, method)
    return Assertions(bounds, (rate,))


CLAIM = Claim(
    id="NAME",
    title="The net is homogeneous in its parameters",
    statement=r"\\langle \\theta, \\nabla f(\\theta; x) \\rangle = L f(\\theta; x)",  # LaTeX
    source="Euler",  # paper, theorem or equation
    assumptions=("homogeneity", "smoothness"),
    instances=instances,
    measure=measure,
    theory=Theory(),
    assertions=assertions,
    # 5. Rivals: five or more plausible wrong statements, each of which the run must reject.
    rivals=(
        Rival("degree-minus-one", "the constant is L - 1", replace(Theory(), shift=-1)),
        Rival("degree-plus-one", "the constant is L + 1", replace(Theory(), shift=1)),
        Rival("half-the-degree", "the constant is L / 2", replace(Theory(), factor=0.5)),
        Rival("twice-the-degree", "the constant is 2 L", replace(Theory(), factor=2.0)),
        Rival("no-degree", "the constant is 1", Theory(factor=0.0, shift=1)),
    ),
    # 6. Tolerances: where each bound comes from, for the reader of the report.
    tolerances=("Euler's identity: exact; 1e-10 leaves room for rounding", "exponent: exact"),
)
'''
