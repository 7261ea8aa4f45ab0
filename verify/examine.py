"""From an instance to evidence: measured once, for all claims that share the measurement."""

import json
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from math import isclose, isfinite
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np

from theory.errors import (
    AssumptionError,
    IntegrationFailed,
    IntegratorsDisagree,
    InvalidInput,
    NumericalFailure,
    OracleFailed,
)
from verify.alone import notices
from verify.calls import InstanceChanged, called, recorded
from verify.evidence import CLAIM, Comparison, Evidence, Laws, Outcome, Rungs, Sabotage
from verify.instances import Instance, measures_of
from verify.language.claim import AnyClaim, Finding
from verify.language.constants import detunings_of
from verify.language.fits import RESOLVED
from verify.language.ladder import Ladder
from verify.language.law import Check, Estimate, Law, Status
from verify.language.measurement import Measurement
from verify.language.parts import Assertions, Part, parts_of, several

Failure = tuple[Outcome, str]
"""The class of what failed, and the words for it."""

BY_CHANCE = 3.0
"""By how much the error that another route tells may be too small. Two tolerances a hundred apart
are as near to each other as what the tighter one errs once in a hundred numbers, by chance."""

SAME_RUNG = 1e-6
"""Relative difference of two places on the axis of a ladder that are one."""


def examine(claim: AnyClaim, instance: Instance, *, rivals: bool = True) -> Evidence:
    """Measure one instance and record what the claim and its rivals assert of it.

    Args:
        rivals: see `examine_all`.

    Raises:
        InvalidInput: the instance is of another kind.
    """
    return examine_all((claim,), instance, rivals=rivals)[claim.id]


def examine_all(
    claims: Sequence[AnyClaim],
    instance: Instance,
    *,
    rivals: bool = True,
    sabotage: bool = False,
    independent: bool = False,
    settled: Mapping[str, Set[str]] = MappingProxyType({}),
) -> dict[str, Evidence]:
    """Evidence of claims that share a measurement, by id.

    Whatever fails on the way is an outcome, also an exception that nobody foresaw: one instance
    never ends a run.

    Args:
        rivals: also say what rivals and detuned theories assert; where only the claims are judged
            they need not be asked.
        sabotage: also measure it in the wrong worlds that the measurement names.
        independent: also measure it by the independent route, where there is one.
        settled: detuned theories, by claim, of which more need not be known.

    Raises:
        InvalidInput: the instance is of another kind.
    """
    measurement = claims[0].measurement
    if not isinstance(instance, measurement.kind):
        raise InvalidInput(
            f"instance is a {type(instance).__name__}; claim {claims[0].id} takes a "
            f"{measurement.kind.__name__}"
        )
    written, failure = attempt(lambda: json.loads(recorded(instance)))
    start, measured = perf_counter(), None
    if failure is None:
        measured, failure = attempt(lambda: measure(measurement, instance))
    seconds = (perf_counter() - start) / len(claims)
    sizes = measures_of(instance)
    found = {}
    for claim in claims:
        named = {**(written or {}), "claim": claim.id}
        blank = Evidence(named, "measured", measures=sizes, seconds=seconds)
        if failure is not None:
            found[claim.id] = replace(blank, outcome=failure[0], message=failure[1])
        else:
            known = settled.get(claim.id, set())
            found[claim.id] = _asserted(claim, measured, blank, rivals, known)
    if failure is None and sabotage:
        found = _sabotaged(claims, instance, found)
    if failure is None and independent and measurement.independent is not None:
        found = compared(claims, instance, found)
    return found


def measure(measurement: Measurement[Any, Any], instance: Instance) -> Any:
    """The measured record of an instance that meets every assumption.

    Raises:
        AssumptionError: one is not met.
        InstanceChanged: it is another instance afterwards.
        InvalidInput: a test of an assumption returns a value.
        NumericalFailure: as the measurement does.
    """

    def checked(instance: Instance) -> Any:
        check_assumptions(measurement, instance)
        return measurement.measure(instance)

    return called(checked, instance)


def check_assumptions(
    measurement: Measurement[Any, Any], instance: Instance, without: str = ""
) -> None:
    """Test every assumption of a measurement, but for the one of the id `without`.

    Raises:
        AssumptionError: one is not met.
        InvalidInput: a test returns a value, which says nothing.
    """
    for assumption in measurement.assumptions:
        if assumption.test is None or assumption.id == without:
            continue
        said: Any = assumption.test(instance)
        if said is not None:
            raise InvalidInput(
                f"test of assumption {assumption.id!r} returns {said!r}; it must return None or "
                "raise AssumptionError"
            )


def attempt(compute: Any) -> tuple[Any, Failure | None]:
    """What is computed, or None with the class and the words of what failed."""
    try:
        return compute(), None
    except AssumptionError as error:
        return None, ("assumption not met", str(error))
    except IntegratorsDisagree as error:
        return None, ("integrators disagree", str(error))
    except OracleFailed as error:
        return None, ("oracle not certified", str(error))
    except IntegrationFailed as error:
        return None, ("integrator did not finish", str(error))
    except NumericalFailure as error:
        return None, ("numerical failure", str(error))
    except InstanceChanged as error:
        return None, ("raised", str(error))
    except (Exception, SystemExit) as error:
        return None, ("raised", where_raised(error))


def where_raised(error: BaseException) -> str:
    """An exception with file and line, on one line; frames of libraries come last."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<")
    ]
    own = [
        f for f in frames if "site-packages" not in f.filename and "/lib/python" not in f.filename
    ]
    frame = (own or frames)[-1]
    message = " ".join(str(error).split())
    raised = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"{raised} ({Path(frame.filename).name}, line {frame.lineno})"


def own_laws(claim: AnyClaim, instance: Instance) -> tuple[Laws, Failure | None]:
    """What the claim itself asserts of one instance, or nothing and what failed."""
    laws, failure = attempt(
        lambda: stated_laws(claim, measure(claim.measurement, instance), claim.theory)[0]
    )
    return laws or (), failure


def stated_laws(claim: AnyClaim, measured: Any, theory: Any) -> tuple[Laws, tuple[Ladder, ...]]:
    """The laws of a theory, with the ladders that they and the plots are made from.

    Raises:
        InvalidInput: a law is stated twice, or something else than laws and ladders is.
    """
    return _told(claim, several(claim.laws(measured, theory)))


def _told(claim: AnyClaim, asserted: Iterable[Law | Ladder]) -> tuple[Laws, tuple[Ladder, ...]]:
    laws: list[Law] = []
    ladders: dict[str, Ladder] = {}
    for stated in asserted:
        if isinstance(stated, Ladder):
            ladders.setdefault(stated.name, stated)
        elif isinstance(stated, Law):
            laws.append(_plain(stated))
            if stated.ladder is not None:
                ladders.setdefault(stated.ladder.name, stated.ladder)
        else:
            raise InvalidInput(f"claim {claim.id} states a {type(stated).__name__}; give laws")
    ids = [law.id for law in laws]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise InvalidInput(f"claim {claim.id} states {', '.join(twice)} twice")
    return tuple(laws), tuple(ladders.values())


def laws_in_parts(claim: AnyClaim, measured: Any) -> tuple[Laws, tuple[Failure, ...]]:
    """The claim's own laws, as many as can be stated, with what kept the others from being."""
    laws: list[Law] = []
    failures = []

    def state(part: Part) -> None:
        stated = several(part(measured, claim.theory))
        laws.extend(_plain(law) for law in stated if isinstance(law, Law))

    for part in parts_of(claim.laws):
        _, failure = attempt(lambda part=part: state(part))
        if failure is not None:
            failures.append(failure)
    return tuple(laws), tuple(failures)


def _asserted(
    claim: AnyClaim, measured: Any, blank: Evidence, rivals: bool, settled: Set[str]
) -> Evidence:
    start = perf_counter()
    assertions = Assertions(claim.laws, measured, claim.theory)
    stated, failure = attempt(lambda: _told(claim, assertions.of(claim.theory)))
    if failure is not None:
        return replace(blank, outcome=failure[0], message=failure[1])
    own, ladders = stated
    laws = {CLAIM: own}
    if rivals:
        laws |= dict(_of_rivals(claim, assertions, own))
        laws |= dict(_detuned(claim, assertions, settled))
        again, _ = attempt(lambda: stated_laws(claim, measured, claim.theory)[0])
        if again is None or repr(again) != repr(own):
            told = "its laws say something else of one record when they are asked again"
            return replace(blank, outcome="raised", message=told)
    told, failure = attempt(lambda: (tuple(map(rungs_of, ladders)), _findings(claim, measured)))
    if failure is not None:
        return replace(blank, outcome=failure[0], message=failure[1])
    return replace(
        blank,
        laws=laws,
        ladders=told[0],
        findings=told[1],
        seconds=blank.seconds + perf_counter() - start,
    )


def _findings(claim: AnyClaim, measured: Any) -> tuple[Finding, ...]:
    found = tuple(claim.findings(measured))
    for finding in found:
        if not isinstance(finding, Finding):
            raise InvalidInput(
                f"findings of claim {claim.id} hold a {type(finding).__name__}; give findings"
            )
    return found


def _of_rivals(claim: AnyClaim, assertions: Assertions, own: Laws) -> Iterator[tuple[str, Laws]]:
    for rival in claim.rivals:
        found, failure = attempt(lambda t=rival.theory: _told(claim, assertions.of(t)))
        yield rival.id, found[0] if failure is None else _unresolved(own, failure[1])


def _unresolved(laws: Laws, reason: str) -> Laws:
    return tuple(Law(law.id, law.kind, law.basis, unresolved=reason) for law in laws)


def _detuned(
    claim: AnyClaim, assertions: Assertions, settled: Set[str]
) -> Iterator[tuple[str, Laws]]:
    """What the detuned theories assert, as much of it as the judge needs.

    Nobody wrote these theories: one whose laws cannot be computed, for whatever reason, is left
    out, and counts as not detected.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for detuning in detunings_of(claim.theory):
            if detuning.key in settled:
                continue
            with suppress(Exception):
                laws, _ = _told(claim, assertions.of(detuning.theory))
                yield detuning.key, tuple(decisive(law) for law in laws)


def decisive(law: Law) -> Law:
    """The law with the one check that decides it; the judge rules as on all."""
    deciding = {check.status: check for check in law.checks}
    order = (Status.REFUTED, Status.UNRESOLVED, Status.KEPT)
    check = next((deciding[status] for status in order if status in deciding), None)
    return replace(law, checks=() if check is None else (check,), ladder=None, compared=None)


def _plain(law: Law) -> Law:
    """Numbers as Python floats: numpy scalars do not survive JSON."""
    checks = tuple(
        Check(float(c.value), float(c.bound), float(c.error), None if c.at is None else float(c.at))
        for c in law.checks
    )
    estimate = law.estimate
    if estimate is not None:
        estimate = Estimate(
            float(estimate.fitted),
            float(estimate.predicted),
            float(estimate.tolerance),
            float(estimate.error),
            estimate.method,
        )
        told = (estimate.fitted, estimate.predicted, estimate.tolerance, estimate.error)
        if not all(map(isfinite, told)) or estimate.tolerance <= 0.0:
            return replace(law, estimate=None, unresolved=law.unresolved or "not a finite number")
    plain = Law(law.id, law.kind, law.basis, law.stratum)
    return replace(
        plain,
        checks=checks,
        estimate=estimate,
        unresolved=law.unresolved,
        not_applicable=law.not_applicable,
        ladder=law.ladder,
        compared=law.compared,
    )


def rungs_of(ladder: Ladder) -> Rungs:
    """A ladder as it is drawn."""
    axes = (ladder.x, ladder.measured.values, ladder.measured.errors, ladder.predicted)
    x, y, errors, predicted = (tuple(map(float, axis)) for axis in axes)
    moves = float(ladder.asymptotic_range)
    return Rungs(ladder.name, ladder.x_label, x, y, errors, predicted, ladder.role.value, moves)


def _sabotaged(
    claims: Sequence[AnyClaim], instance: Instance, found: Mapping[str, Evidence]
) -> dict[str, Evidence]:
    """What each claim notices of each wrong world."""
    told: dict[str, list[Sabotage]] = {claim.id: [] for claim in claims}
    for name, measure in claims[0].measurement.sabotaged.items():
        measured, failure = attempt(lambda measure=measure: called(measure, instance))
        for claim in claims:
            told[claim.id].append(_noticed(claim, name, measured, failure))
    return {key: replace(e, sabotages=tuple(told[key])) for key, e in found.items()}


def _noticed(claim: AnyClaim, name: str, measured: Any, failure: Failure | None) -> Sabotage:
    if failure is not None:
        return Sabotage(name, None, failure[1])
    stated, failure = attempt(lambda: stated_laws(claim, measured, claim.theory)[0])
    if failure is not None:
        return Sabotage(name, None, failure[1])
    return Sabotage(name, notices(stated))


def compared(
    claims: Sequence[AnyClaim], instance: Instance, found: Mapping[str, Evidence]
) -> dict[str, Evidence]:
    """The numbers of every law by the independent route, beside those of the usual one."""
    other, failure = attempt(lambda: called(claims[0].measurement.independent, instance))  # type: ignore[arg-type]
    if failure is not None:
        return {key: replace(entry, unrouted=failure[1]) for key, entry in found.items()}
    beside = dict(found)
    for claim in claims:
        evidence = found[claim.id]
        if evidence.outcome != "measured":
            continue
        laws, failure = attempt(lambda claim=claim: stated_laws(claim, other, claim.theory)[0])
        if failure is None:
            pairs = tuple(comparisons(evidence.laws[CLAIM], laws))
            reason = "" if pairs else "none of its numbers is decided"
            beside[claim.id] = replace(evidence, comparisons=pairs, unrouted=reason)
        else:
            beside[claim.id] = replace(evidence, unrouted=failure[1])
    return beside


def comparisons(laws: Laws, others: Laws) -> Iterable[Comparison]:
    """Check by check, with what both routes tell of their errors, the other `BY_CHANCE` times.

    Another number that decides nothing confirms nothing: it counts only where it is further off
    than its error.
    """
    by_id = {law.id: law for law in others}
    for law in laws:
        other = by_id.get(law.id)
        if other is None:
            continue
        for one, two in _of_one_rung(law.checks, other.checks):
            pair = _pair(law.id, (one.value, one.error), (two.value, two.error))
            if _tells(pair, two.status is not Status.UNRESOLVED):
                yield pair
        if law.estimate and other.estimate and _over_the_same_rungs(law, other):
            mine, found = law.estimate, other.estimate
            pair = _pair(law.id, (mine.fitted, mine.error), (found.fitted, found.error))
            if _tells(pair, found.error <= found.tolerance):
                yield pair


def _of_one_rung(checks: Sequence[Check], others: Sequence[Check]) -> Iterator[tuple[Check, Check]]:
    """In order; by their rungs where one route judges others than the other does."""
    if len(checks) == len(others):
        yield from zip(checks, others, strict=True)
        return
    for one in checks:
        near = (two for two in others if _near(one.at, two.at))
        if (two := next(near, None)) is not None:
            yield one, two


def _near(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and isclose(one, other, rel_tol=SAME_RUNG)


def _over_the_same_rungs(law: Law, other: Law) -> bool:
    """Slopes over other rungs of one ladder differ by what bends it, which no error tells."""
    if law.ladder is None or other.ladder is None:
        return True
    one, two = (ladder.measured.resolved(RESOLVED) for ladder in (law.ladder, other.ladder))
    return np.array_equal(one, two)


def _pair(law: str, one: tuple[float, float], two: tuple[float, float]) -> Comparison:
    return Comparison(law, one[0], two[0], one[1] + BY_CHANCE * two[1])


def _tells(pair: Comparison, decided: bool) -> bool:
    if not all(map(isfinite, (pair.value, pair.other, pair.allowed))):
        return False
    return decided or not pair.agrees
