"""The escape time without its domain: slope 2/3 however small the first overlap. It fails."""

from dataclasses import dataclass, replace
from math import log

from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.claims.escape_time import escape_ladder
from verify.claims.fits import slope
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_online import escape_instances


@dataclass(frozen=True)
class Theory:
    """tau_esc = log(1 / |A(0)|) / rate + const, in the clock tau = eps B t / alpha."""

    rate: float = 1.5


@dataclass(frozen=True)
class Measured:
    """One ladder of overlaps: |A(0)|, tau of the escapes, and their largest relative error."""

    sizes: tuple[float, ...]
    clocks: tuple[float, ...]
    error: float


def measure(instance: CommitteeInstance) -> Measured:
    return Measured(*escape_ladder(instance.setting))


def assertions(measured: Measured, theory: Theory) -> Assertions:
    logs = [-log(size) for size in measured.sizes]
    fitted = slope(logs, measured.clocks)
    # the slope of clocks with errors e over a range of logs r errs by at most 2 e / r
    error = 2.0 * measured.error * max(measured.clocks) / (logs[-1] - logs[0])
    gap = abs(fitted * theory.rate - 1.0)
    return Assertions(
        (Bound("growth of the escape time over 1 / rate", gap, 0.02, theory.rate * error),)
    )


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    logs = tuple(-log(size) for size in measured.sizes)
    return (
        Ladder(
            "escape time in units of alpha / (eps B)",
            "log(1 / |A(0)|)",
            logs,
            measured.clocks,
            tuple(measured.clocks[0] + (at - logs[0]) / _TRUE.rate for at in logs),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="escape-time-outside",
    title="Escape time with slope 2/3 however small the first overlap (fails below alpha eps)",
    statement=(
        r"t_{esc} = \frac{2\alpha}{3\epsilon B} \log\frac{1}{|A_0|} + \mathrm{const}"
        r" \quad \text{for } |A_0| \ll \alpha\epsilon"
    ),
    source=source_of("escape-time-outside"),
    assumptions=(
        "infinitely many samples",
        "fixed readouts",
        "orthogonal weights of one norm",
        "|A(0)| at most alpha eps / 1000, in units of B",
    ),
    instances=escape_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("rate-2", "rate 2", replace(_TRUE, rate=2.0)),
        Rival("rate-3", "rate 3, of the squared overlap", replace(_TRUE, rate=3.0)),
        Rival("rate-1/2", "rate 1/2, of the growth of the norm", replace(_TRUE, rate=0.5)),
        Rival("rate-3/4", "rate 3/4, a loss with a factor 1/2", replace(_TRUE, rate=0.75)),
        Rival("rate-5/4", "rate 5/4, between the regimes", replace(_TRUE, rate=1.25)),
    ),
    tolerances=("2 % of the slope; the true rate of 1 meets it within 0.1 %",),
    ladders=ladders,
    families=("saturated",),
    kind=CommitteeInstance,
    expected="falsified",
)
