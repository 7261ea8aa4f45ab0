"""Soudry et al. (JMLR 2018): logistic regression finds its direction like 1 / log t."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.kernel import max_margin
from verify.instances import Record
from verify.language import Claim, Ladder, Measurement, Quantity, choice, in_words, stated

LOG_TIMES = np.array([100.0, 300.0, 1000.0, 3000.0])


@dataclass(frozen=True)
class Separable(Record):
    rows: Floats  # y_i x_i, of positive first entries


def measure(data, shift=0.0):
    rows = data.rows + shift

    def slope(log_t, w):  # dw / d log t, its exponentials combined before they are taken
        return np.exp(log_t - np.logaddexp(0, rows @ w)) @ rows

    def flow(rtol):
        start, options = np.zeros(data.rows.shape[1]), {"rtol": rtol, "atol": 1e-3 * rtol}
        return solve_ivp(slope, (-9, 3000), start, "LSODA", LOG_TIMES, **options).y.T

    return (max_margin(data.rows).weights, data.rows.mean(0)), flow(1e-11), flow(1e-9)


@dataclass(frozen=True)
class Theory:
    order: float = stated(1.0, half=(0.5, "(log t)^(-1/2)"), square=(2.0, "(log t)^-2"))
    target: int = choice(0, mean=(1, "to the direction of the mean, not of largest margin"))


def laws(measured, theory):
    targets, tight, loose = measured
    target = targets[theory.target] / np.linalg.norm(targets[theory.target])

    def gap(path):
        return np.linalg.norm(path / np.linalg.norm(path, axis=1)[:, None] - target, axis=1)

    gaps = Ladder.of("gap", "log t", LOG_TIMES, Quantity.paired(gap, tight, loose, 1e-9))
    yield gaps.rate("order in log t", theory.order, 0.05, along=-np.log10(LOG_TIMES))


ROW = st.tuples(st.integers(4, 16), *[st.integers(-16, 16)] * 2).map(lambda row: np.array(row) / 8)
DATA = st.lists(ROW, min_size=3, max_size=6).map(np.array).map(Separable)
MET, WRONG = in_words("separable data"), {"other inputs": lambda data: measure(data, 0.1)}
CLAIM = Claim(
    id="logistic-rate",
    title="Logistic regression on separable data finds its direction like 1 / log t",
    statement=r"\| w / \|w\| - \hat w \| = O(1 / \log t)",
    source="Soudry et al. (JMLR 2018), Theorem 5",
    measurement=Measurement("logistic", Separable, ("all",), lambda *_: DATA, measure, MET, WRONG),
    theory=Theory(),
    laws=laws,
    tolerances=("order: 0.05, twice what log log t / log t leaves between 100 and 3000",),
)
