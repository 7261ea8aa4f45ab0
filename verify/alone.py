"""What one instance shows by itself."""

from collections.abc import Collection, Iterable
from typing import Literal

from verify.language.law import Check, Estimate, Kind, Law, Status

Verdict = Literal["holds", "falsified", "inconclusive"]

SINGLE_RATE = 3.0
"""Tolerances by which the rate of one instance counts in its severity as a value at its bound does.
Alone it refutes nothing, however far it is off."""

SEVERE = 10.0
"""A violation beyond this multiple of the bound is no rounding: shrinking aims for it first."""


def ratio(check: Check) -> float:
    """How much of its bound a value takes, as it is told: 0 for one below its error."""
    return max(check.use, 0.0)


def in_digits(ratio: float) -> str:
    """A ratio in three digits; one below 1 is never rounded up to it."""
    return f"{min(ratio, 0.999):.3g}" if ratio < 1.0 else f"{ratio:.3g}"


def estimates(laws: Iterable[Law]) -> list[tuple[Law, Estimate]]:
    """The rates that could be fitted."""
    return [(law, law.estimate) for law in laws if law.estimate is not None]


def judge_instance(laws: Iterable[Law]) -> Status:
    """All laws of one instance, rates apart: one refuted refutes, one unresolved leaves it open."""
    found = {law.status for law in laws}
    for status in (Status.REFUTED, Status.UNRESOLVED, Status.KEPT):
        if status in found:
            return status
    return Status.NOT_APPLICABLE


def verdict_alone(laws: Collection[Law]) -> Verdict:
    """What one instance shows by itself."""
    if judge_instance(laws) is Status.REFUTED:
        return "falsified"
    off = any(abs(estimate.off) > 1.0 for _, estimate in estimates(laws))
    bounds = [law.status for law in laws if law.kind is not Kind.RATE]
    decided = Status.KEPT in {law.status for law in laws} and Status.UNRESOLVED not in bounds
    return "holds" if decided and not off else "inconclusive"


def against(laws: Collection[Law], rates: Collection[str]) -> tuple[bool, float]:
    """What one instance has against its statement: whether it refutes it alone, and by how much.

    The largest ratio to a bound where it does, else the tolerances by which a rate among the ids of
    `rates` is off.
    """
    if judge_instance(laws) is Status.REFUTED:
        return True, max(largest(law) for law in laws)
    off = (abs(estimate.off) for law, estimate in estimates(laws) if law.id in rates)
    return False, max(off, default=0.0)


def largest(law: Law) -> float:
    """The largest ratio to a bound among the decided checks of a law."""
    decided = (c for c in law.checks if c.status is not Status.UNRESOLVED)
    return max(map(ratio, decided), default=0.0)


def notices(laws: Collection[Law]) -> bool:
    """Whether something is wrong by these laws: a bound refuted, or a rate far off."""
    if judge_instance(laws) is Status.REFUTED:
        return True
    return any(abs(estimate.off) > SINGLE_RATE for _, estimate in estimates(laws))


def severity(laws: Collection[Law]) -> float:
    """How near one instance comes to what is stated, or how far it goes beyond, as one number.

    The largest ratio to a bound, or of a rate's deviation to `SINGLE_RATE` tolerances: a search
    climbs along it. Whether the instance refutes is for `verdict_alone` to say.
    """
    return binding(laws)[0]


def binding(laws: Iterable[Law]) -> tuple[float, str]:
    """`severity`, with the id of the law that it comes from."""
    listed = list(laws)
    ratios = [(largest(law), law.id) for law in listed if law.checks]
    ratios += [(abs(estimate.off) / SINGLE_RATE, law.id) for law, estimate in estimates(listed)]
    return max(ratios, key=lambda entry: entry[0], default=(0.0, "nothing"))
