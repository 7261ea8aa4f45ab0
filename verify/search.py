"""Drawing instances with Hypothesis, and shrinking the one that refutes.

Drawing collects: every example is examined, none stops the search. Shrinking is a second pass over
the same seed that fails on purpose, on violations beyond ten times the bound where there are any,
so that the minimal counterexample does not sit at the tolerance.

Hypothesis draws some of its numbers from the constants in the source of whatever modules a process
has imported, so one seed would mean other instances in another process: that is switched off here.
"""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from hypothesis import given, seed
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture.providers import HypothesisProvider

from verify.alone import SEVERE, SINGLE_RATE, against
from verify.examine import own_laws
from verify.instances import Instance
from verify.language.claim import Claim
from verify.profiles import hypothesis_settings


class TimeIsOver(KeyboardInterrupt):
    """Ends a search at once: Hypothesis would draw on after an answer of nothing.

    It passes interruptions on, and keeps them out of its database.
    """


@contextmanager
def seed_alone() -> Iterator[None]:
    """Within it what Hypothesis draws depends on the seed, not on what this process has imported.

    (Versions without that pool of constants have nothing to switch off.)
    """
    name = "_maybe_draw_constant"
    if not hasattr(HypothesisProvider, name):
        yield
        return
    with patch.object(HypothesisProvider, name, lambda *_, **__: None):
        yield


def draw_instances(
    strategy: st.SearchStrategy[Instance],
    seed_value: int,
    count: int,
    use: Callable[[Instance], None],
) -> int:
    """Draw `count` instances under a seed, pass each to `use`; returns how many were discarded.

    An instance of which a filter threw the first draws away counts as one more; versions of
    Hypothesis that do not tell leave it out.
    """
    attempts = 0
    used = 0
    retried = 0

    @seed(seed_value)
    @hypothesis_settings(count, shrink=False)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        nonlocal attempts, used, retried
        attempts += 1
        instance = data.draw(strategy)
        used += 1
        retried += getattr(data.conjecture_data, "has_discards", False)
        use(instance)

    with seed_alone():
        attempt()
    return attempts - used + retried


class _ViolationError(Exception):
    pass


class _TriesSpent(BaseException):
    """Ends a search at once; what derives from `Exception` would be shrunk as one more failure."""


@dataclass
class _Tries:
    """Severities already computed, and how many more may be."""

    claim: Claim[Any, Any]
    left: int
    rates: Collection[str]
    known: dict[str, float] = field(default_factory=dict)

    def severity(self, instance: Instance) -> float:
        """Raises `_TriesSpent` where it would have to be computed and no more may be."""
        key = json.dumps(instance.to_json(), sort_keys=True)
        if key not in self.known:
            if self.left <= 0:
                raise _TriesSpent
            self.left -= 1
            self.known[key] = _severity(self.claim, instance, self.rates)
        return self.known[key]


def _severity(claim: Claim[Any, Any], instance: Instance, rates: Collection[str]) -> float:
    laws, failure = own_laws(claim, instance)
    if failure is not None:
        return 0.0
    alone, severity = against(laws, rates)
    return 0.0 if alone and rates else severity


def shrink_counterexample(
    claim: Claim[Any, Any],
    strategy: st.SearchStrategy[Instance],
    seed_value: int,
    count: int,
    worst: float,
    tries: int,
    rates: Collection[str] = (),
) -> tuple[Instance, float] | None:
    """The simplest instance found that violates the claim, with its severity; None if none is.

    Args:
        seed_value, count: those under which the violation was drawn.
        worst: its severity; beyond 10 the shrunk instance is to exceed 10 as well.
        tries: how many instances may be measured.
        rates: those of which one is to be more than `SINGLE_RATE` tolerances off; none where a
            bound is to be refuted.
    """
    threshold = SEVERE if worst > SEVERE else SINGLE_RATE if rates else 1.0
    state = _Tries(claim, tries, rates)
    failing: list[tuple[Instance, float]] = []

    @seed(seed_value)
    @hypothesis_settings(count, shrink=True)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        instance = data.draw(strategy)
        found = state.severity(instance)
        if found > threshold:
            failing.append((instance, found))
            raise _ViolationError

    with suppress(_ViolationError, _TriesSpent, Flaky), seed_alone():
        attempt()
    return failing[-1] if failing else None
