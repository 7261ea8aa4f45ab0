"""Hypothesis settings, every field set, and the sizes of the profiles.

A profile built on Hypothesis's own `ci` would silently inherit derandomisation; none is. All runs
are reproducible from their printed seed, and the database stays off: counterexamples are saved as
instance files instead.
"""

from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, settings

from theory.errors import InvalidInput
from verify.strategies.sizes import DEEP, QUICK, STANDARD, Sizes

SHARD_SIZE: Final = 8
"""Examples drawn under one seed. Hypothesis begins to mutate earlier examples after the tenth;
small shards with seeds of their own keep examples independent, and spread over workers."""


PAIRS: Final = 10
"""Pairs of instances for each assumption in the search for those that are needed."""


@dataclass(frozen=True)
class Profile:
    """How many examples each claim gets over all families, tries of shrinking, and their sizes."""

    name: str
    examples: int
    shrink_tries: int
    sizes: Sizes = QUICK


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile("quick", examples=24, shrink_tries=40),
        Profile("standard", examples=96, shrink_tries=100, sizes=STANDARD),
        Profile("deep", examples=960, shrink_tries=300, sizes=DEEP),
    )
}


def profile_named(name: str) -> Profile:
    """The profile of that name; `InvalidInput` lists the known ones otherwise."""
    if name not in PROFILES:
        raise InvalidInput(f"profile is {name!r}; allowed are {', '.join(PROFILES)}")
    return PROFILES[name]


def hypothesis_settings(max_examples: int, *, shrink: bool) -> settings:
    """Settings with every field that decides what is run.

    `too_slow` is off because the load of a machine must not decide a verdict; the other health
    checks stay on, since strategies that discard too much are to be mended, not excused.
    """
    return settings(
        max_examples=max_examples,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        derandomize=False,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        stateful_step_count=1,
        suppress_health_check=(HealthCheck.too_slow,),
        verbosity=Verbosity.quiet,
        backend="hypothesis",
    )
