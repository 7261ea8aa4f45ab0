"""Saxe, McClelland, Ganguli (ICLR 2014): a mode of a linear net is learned along a sigmoid."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from verify.instances import Record
from verify.language import Claim, Measurement, Quantity, equals, in_words, stated

TIMES = np.linspace(0.25, 3.0, 12)


@dataclass(frozen=True)
class Mode(Record):
    strength: float  # s, the singular value to be learned
    start: float  # u(0) / s, of balanced weights a = b


def measure(mode, unbalance=1.0):
    half_life = np.log(1 / mode.start) / (2 * mode.strength)

    def flow(rtol):
        rhs = lambda t, w: w[::-1] * (mode.strength - w[0] * w[1])  # noqa: E731
        w = np.sqrt(mode.strength * mode.start) * np.array([unbalance, 1 / unbalance])
        steps, options = TIMES * half_life, {"rtol": rtol, "atol": 1e-3 * rtol}
        path = solve_ivp(rhs, (0, 3 * half_life), w, "DOP853", steps, **options)
        return path.y.prod(0) / mode.strength

    return mode, half_life, flow(1e-11), flow(1e-9)


@dataclass(frozen=True)
class Theory:
    rate: float = stated(2.0, shallow=(1.0, "e^(s t)"), three=(3.0, "3"), four=(4.0, "e^(4 s t)"))
    offset: float = stated(1.0, no_offset=(0.0, "s / u0 alone"), other_sign=(-1.0, "s / u0 + 1"))


def laws(measured, theory):
    mode, half_life, tight, loose = measured
    decay = np.exp(-theory.rate * mode.strength * half_life * TIMES)
    predicted = 1 / (1 + (1 / mode.start - theory.offset) * decay)
    yield equals("u over s", Quantity.paired(lambda u: u, tight, loose, 1e-10), predicted, 1e-6)


MODES, MET = (
    st.builds(Mode, st.floats(0.125, 4), st.floats(0.01, 0.5)),
    in_words("balanced weights"),
)
WRONG = {"unbalanced weights": lambda mode: measure(mode, 2.0)}
CLAIM = Claim(
    id="saxe-sigmoid",
    title="A mode of a balanced two-layer linear net is learned along a sigmoid",
    statement=r"u(t) = s / (1 + (s / u_0 - 1) e^{-2 s t})",
    source="Saxe, McClelland, Ganguli (ICLR 2014), equation 6",
    measurement=Measurement("sigmoid", Mode, ("all",), lambda *_: MODES, measure, MET, WRONG),
    theory=Theory(),
    laws=laws,
    tolerances=("identity: 1e-6 of s, for a flow integrated to 1e-9 or better",),
)
