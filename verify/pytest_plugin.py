"""A pytest plugin: claims named in a repository's pytest configuration are tests of it.

    [tool.pytest.ini_options]
    claims = ["kernel-svm", "my_claims.py:lemma-3", "paper.claims"]
    claims_profile = "quick"
    claims_examples = "24"

An entry is a claim of the suite, a claim "module:id", or a module with all its claims; a module is
a file relative to the configuration file, or dotted. The items belong to the configuration file:
`pytest pyproject.toml::kernel-svm` runs one. A repository that sets no `claims` notices nothing.
Nothing of the package is imported before a claim is collected.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from verify.language.claim import Claim
    from verify.results import ClaimResult

DIGITS = 9
"""Of `claims_examples`: Python refuses to read numbers of thousands of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("claims", "Claims to verify: ID, MODULE:ID or MODULE.", "linelist", default=[])
    parser.addini("claims_profile", "Profile of the claims: quick, standard or deep.")
    parser.addini("claims_examples", "Instances for each claim, in place of the profile's.")


def pytest_configure(config: pytest.Config) -> None:
    """Where the paths to test come from `testpaths`, the configuration file joins them."""
    source = getattr(config, "args_source", None)
    if source is pytest.Config.ArgsSource.TESTPATHS and config.inipath and config.getini("claims"):
        config.args.append(str(config.inipath))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    config = parent.config
    if config.inipath is None or file_path != config.inipath or not config.getini("claims"):
        return None
    return ClaimFile.from_parent(parent, path=file_path)


class ClaimFile(pytest.File):
    """The configuration file, as the collector of the claims that it names."""

    def collect(self) -> Iterator[pytest.Item]:
        from theory.errors import InvalidInput
        from verify.catalogue import claims_with, select
        from verify.profiles import profile_named
        from verify.user_modules import load_claims

        try:
            profile = profile_named(self.config.getini("claims_profile") or "quick")
            examples = self._examples(profile.examples)
            seen: set[str] = set()
            for entry in self.config.getini("claims"):
                module, ids = self._parsed(entry)
                known = claims_with([module] if module else [])
                ids = ids or [claim.id for claim in load_claims(module or "")]
                for claim in select(known, ids):
                    if claim.id not in seen:
                        seen.add(claim.id)
                        yield ClaimItem.from_parent(
                            self, name=claim.id, claim=claim, profile=profile, examples=examples
                        )
        except InvalidInput as error:
            raise self.CollectError(f"{self.path.name}: {error}") from None

    def _parsed(self, entry: str) -> tuple[str | None, list[str]]:
        """The module of an entry, None for the suite, and the ids, none for all of the module."""
        from verify.catalogue import all_claims

        if entry in all_claims():
            return None, [entry]
        module, separator, name = entry.rpartition(":")
        module = module if separator else entry
        ids = [name] if separator else []
        folder = self.path.parent
        file = folder / (module if module.endswith(".py") else f"{module}.py")
        if file.is_file():
            return str(file), ids
        if module.endswith(".py") or separator or "." in module:
            return (str(file) if module.endswith(".py") else module), ids
        return None, [entry]

    def _examples(self, default: int) -> int:
        from theory.errors import InvalidInput

        given = self.config.getini("claims_examples")
        if not given:
            return default
        digits = str(given).lstrip("0")
        if not digits.isdecimal() or len(digits) > DIGITS or int(digits) < 1:
            told = repr(given) if len(str(given)) <= 40 else f"{str(given)[:40]!r}..."
            raise InvalidInput(
                f"claims_examples is {told}; it must be a whole number above 0, of at most "
                f"{DIGITS} digits"
            )
        return int(digits)


class ClaimFailed(Exception):
    """A claim whose verdict is another than its author expects, in words."""


class ClaimItem(pytest.Item):
    """One claim as a test: run under seed 0, it passes with the expected verdict and no rival."""

    def __init__(self, *, claim: Claim[Any, Any], profile: Any, examples: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.claim, self.profile, self.examples = claim, profile, examples

    def runtest(self) -> None:
        from verify.runner import RunPlan, run

        plan = RunPlan(
            claims=(self.claim,),
            profile=self.profile,
            examples=self.examples,
            seed=0,
            jobs=1,
            folder=self._folder(),
            command=f"pytest {self.nodeid}",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # a verdict does not depend on filters of the tests
            result = run(plan, ())
        if result.exit_status != 0:
            raise ClaimFailed(explain(result.claims[0]))

    def _folder(self) -> Path:
        cache = getattr(self.config, "cache", None)
        if cache is None:
            return Path(mkdtemp(prefix="theory-verify-"))
        return Path(cache.mkdir("theory-verify")) / self.claim.id

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from theory.errors import InvalidInput

        if isinstance(excinfo.value, (ClaimFailed, InvalidInput)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"claim {self.claim.id}"


def explain(result: ClaimResult) -> str:
    """The verdict, the worst bound, rates, failures, rivals that survive, how to replay."""
    claim, ruling = result.claim, result.ruling
    lines = [f"{claim.id}: {ruling.verdict}, expected {claim.expected} ({claim.title})"]
    if ruling.verdict == "inconclusive":
        lines += [f"neither support nor refutation: {told}" for told in ruling.shortfalls]
        lines += sorted({f"{e.outcome}: {e.message}" for e in result.evidence if e.message})[:3]
    if ruling.worst is not None:
        worst = ruling.worst
        lines.append(
            f"worst bound: {ruling.worst_law}: {worst.value:.6g} <= {worst.bound:.6g} "
            f"(error {worst.error:.1e})"
        )
    lines += [
        f"rate {rate.judgement}: {rate.name}: fitted {rate.fitted:.6g}, predicted "
        f"{rate.predicted:.6g} +- {rate.tolerance:.2g}"
        for rate in ruling.rates
        if rate.judgement != "kept"
    ]
    lines += [
        f"rival not rejected: {r.id} ({r.description})" for r in result.rivals if not r.rejected
    ]
    if result.counterexample is not None:
        lines.append(f"replay with {result.counterexample.command}")
    return "\n".join(lines)
