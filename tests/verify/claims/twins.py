"""What claims say of instances and of their twins: the same verdict, the same share of every bound.

Laws are told in numbers without units: a value over its bound, an exponent. The alpha, lambda and
t_g that they speak of are counted as the problem counts them, so nothing may move but by rounding.

Run `python -m tests.verify.claims.twins 0 30` for random instances of every measurement.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np

from verify.alone import verdict_alone
from verify.catalogue import all_claims
from verify.evidence import CLAIM, Evidence
from verify.examine import examine_all
from verify.instances import FlowInstance
from verify.instances.twins import Twin, twins_of
from verify.language.claim import AnyClaim
from verify.language.ladder import JUDGED
from verify.language.law import Check, Law
from verify.search import draw_instances
from verify.shards import groups_of
from verify.strategies.sizes import QUICK, Sizes
from verify.strategies.undecayed import UNUSED

RESOLVED: Final = 1e-6
"""Of a bound or an exponent: both hold oracles' certificates (10^-9 to 10^-6) and the rounding of
inputs, anchors and targets that were multiplied."""

NEARLY: Final = 30.0
"""A rung is told by one of two twins alone where its error is within this factor of the largest at
which it is told: what two tolerances differ by is a draw of its own."""

TURNED: Final = ("parameters permuted", "inputs turned")
"""Twins whose inputs get other coordinates."""

OF_COORDINATES: Final = {
    "shape of f against the kernel machine",
    "f on the probes against regression with its kernel",
    "f against kernel regression",
    "gap on the probes",
    "exponent of the gap over c L",
    "diagonal of the circulant twin",
    "excess of the circulant twin",
}
"""Laws on what is made up by coordinates: inputs off the training set, means over the diagonals of
a matrix."""

OF_SEVERAL_DEGREES: Final = ("bias-phase", "late-biases")
"""Measurements that add biases to the net of an instance."""

WITHOUT_UNITS: Final = ("samples permuted", "parameters permuted", "relabelled")

Claims = tuple[AnyClaim, ...]


def flow_claims() -> list[Claims]:
    """The claims on flows, those that share a measurement together."""
    flows = [claim for claim in all_claims().values() if claim.measurement.kind is FlowInstance]
    return groups_of(flows)


def drawn(claims: Claims, seed: int, count: int, sizes: Sizes = QUICK) -> list[FlowInstance]:
    """As a run draws them, the last family of the measurement first."""
    measurement, found = claims[0].measurement, list[Any]()
    strategy = measurement.instances(measurement.families, sizes)
    draw_instances(strategy, seed, count, found.append)
    return found


def alike(claims: Claims, instance: FlowInstance, random: np.random.Generator) -> list[Twin]:
    """Its twins; where the regime says nothing, as without weight decay, those in its own units.

    Such a flow starts at the anchor itself: other units of it are another flow. Parts of different
    degrees have no unit in common.
    """
    twins = list(twins_of(instance, random))
    if claims[0].measurement.id in OF_SEVERAL_DEGREES:
        return [twin for twin in twins if twin.name in WITHOUT_UNITS]
    if instance.regime != UNUSED:
        return twins
    return [twin for twin in twins if twin.instance.regime == instance.regime]


def composed(
    claims: Claims, instance: FlowInstance, random: np.random.Generator, names: Sequence[str]
) -> Twin:
    """All changes of these names at once: a twin of a twin, beside the instance itself."""

    def change(before: Twin, name: str) -> Twin:
        found = {twin.name: twin for twin in alike(claims, before.instance, random)}
        return found.get(name, before)

    unchanged = Twin(
        "unchanged",
        instance,
        instance,
        np.eye(instance.problem.parameters),
        np.arange(instance.problem.samples),
    )
    return reduce(change, names, unchanged)


@dataclass(frozen=True)
class Moved:
    """What differs between an instance and its twin, by more than both told errors."""

    claim: str
    law: str
    twin: str
    what: str

    def __str__(self) -> str:
        return f"{self.claim}, {self.law}, {self.twin}: {self.what}"


def moved(claims: Claims, own: dict[str, Evidence], twin: Twin) -> Iterator[Moved]:
    """What the claims say otherwise of the twin than of the instance (`own`)."""
    other = examine_all(claims, twin.instance, rivals=False)
    for claim in claims:
        one, two = own[claim.id], other[claim.id]
        if one.outcome != two.outcome:
            what = f"{one.outcome} {one.message}; {two.outcome} {two.message}"
            yield Moved(claim.id, "outcome", twin.name, what)
        elif one.outcome == "measured":
            yield from _moved_laws(claim.id, one.laws[CLAIM], two.laws[CLAIM], twin.name)


def _moved_laws(claim: str, own: Sequence[Law], other: Sequence[Law], twin: str) -> Iterator[Moved]:
    verdicts = verdict_alone(own), verdict_alone(other)
    if len(set(verdicts)) > 1:
        yield Moved(claim, "verdict", twin, "; ".join(verdicts))
    found = {law.id: law for law in other}
    for law in own:
        if twin in TURNED and law.id in OF_COORDINATES:
            continue
        if law.id not in found:
            yield Moved(claim, law.id, twin, "not stated")
            continue
        yield from (Moved(claim, law.id, twin, what) for what in _moved_numbers(law, found[law.id]))


def _moved_numbers(own: Law, other: Law) -> Iterator[str]:
    pairs = _paired(own.checks, other.checks)
    if bool(own.not_applicable) != bool(other.not_applicable) or pairs is None:
        yield "; ".join(
            f"{law.status}, {law.not_applicable or law.unresolved or f'{len(law.checks)} checks'}"
            for law in (own, other)
        )
        return
    for one, two in pairs:
        (share, error), (shared, told) = _share(one), _share(two)
        if not abs(share - shared) <= error + told + RESOLVED * max(1.0, abs(share)):
            yield f"{share:.9g} of the bound, {shared:.9g}; told {error:.1e}, {told:.1e}"
    if own.estimate is not None and other.estimate is not None:
        fitted, refitted = own.estimate.fitted, other.estimate.fitted
        told = own.estimate.error + other.estimate.error
        if not abs(fitted - refitted) <= told + RESOLVED * max(1.0, abs(fitted)):
            yield f"fitted {fitted:.9g}, {refitted:.9g}; told {told:.1e}"


def _paired(own: Sequence[Check], other: Sequence[Check]) -> Sequence[tuple[Check, Check]] | None:
    """Checks of the same rungs; None where one is missing that is not nearly unresolved."""
    if len(own) == len(other):
        return list(zip(own, other, strict=True))
    rungs = {check.at for check in own} & {check.at for check in other}
    alone = [check for check in (*own, *other) if check.at not in rungs]
    if not rungs or any(check.bound > NEARLY * JUDGED * check.error for check in alone):
        return None
    kept = ([check for check in checks if check.at in rungs] for checks in (own, other))
    return list(zip(*kept, strict=True))


def _share(check: Check) -> tuple[float, float]:
    """Of its bound that a value takes, and its error; of a bound of zero only the sign is told."""
    if check.bound > 0.0:
        return check.value / check.bound, check.error / check.bound
    return float(check.value > check.error), 0.0


def main(first: int, last: int) -> None:
    for claims in flow_claims():
        compared, found = 0, list[Moved]()
        for seed in range(first, last):
            (instance,) = drawn(claims, seed, 2)[1:]
            own = examine_all(claims, instance, rivals=False)
            for twin in alike(claims, instance, np.random.default_rng(seed)):
                compared += 1
                found += moved(claims, own, twin)
        print(f"{claims[0].measurement.id}: {compared} twins, {len(found)} differences")
        for difference in found:
            print("   ", difference, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
