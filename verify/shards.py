"""Shards: the independent pieces of a run, each with a seed of its own.

What a shard holds depends on the seed and the profile alone, never on the number of workers, so a
run merges to the same verdicts however it is spread, and one that was interrupted resumes.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path

import numpy as np

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.catalogue import claim_of
from verify.evidence import Evidence
from verify.examine import attempt, compared, examine_all
from verify.instances import Instance
from verify.language.claim import AnyClaim
from verify.profiles import SHARD_SIZE
from verify.rates import FEWEST
from verify.search import draw_instances
from verify.strategies.sizes import QUICK, Sizes

SABOTAGED = 3
"""Instances of a measurement that are also measured in its wrong worlds, at least."""

ROUTED = 3
"""Instances that take the independent route, at most; one, where all claims get numbers from it."""


@dataclass(frozen=True)
class Shard:
    """Examples of one measurement over one family of nets, for the claims that share it.

    The family "examples" are the measurement's own. `module` is where a worker process finds a
    user's claims.
    """

    measurement: str
    claims: tuple[str, ...]
    family: str
    index: int
    seed: int
    count: int
    module: str | None = None
    sizes: Sizes = QUICK

    @property
    def name(self) -> str:
        """Of its file."""
        told = hashlib.sha256(
            json.dumps([self.claims, self.module, repr(self.sizes)]).encode()
        ).hexdigest()[:8]
        place = f"{self.measurement}-{self.family}-{self.index}"
        return f"{place}-{self.seed:016x}-{self.count}-{told}"


@dataclass(frozen=True)
class ShardResult:
    """What a shard has found: for each instance, in the order of drawing, evidence by claim.

    `missing` counts examples that could not be looked at, because their workers were lost.
    """

    shard: Shard
    instances: tuple[dict[str, Evidence], ...]
    discarded: int
    missing: int = 0

    def of(self, claim: str) -> tuple[Evidence, ...]:
        """The evidence of one claim; none where the shard is of another measurement."""
        return tuple(found[claim] for found in self.instances if claim in found)

    @property
    def seconds(self) -> float:
        return sum(entry.seconds for found in self.instances for entry in found.values())


def missing(shard: Shard) -> ShardResult:
    """The result of a shard that is given up."""
    return ShardResult(shard, (), 0, shard.count)


def groups_of(claims: Sequence[AnyClaim]) -> list[tuple[AnyClaim, ...]]:
    """Claims that share a measurement, in the order of their first.

    Raises:
        InvalidInput: two measurements have one id.
    """
    groups: dict[tuple[str | None, str], list[AnyClaim]] = {}
    for claim in claims:
        group = groups.setdefault((claim.module, claim.measurement.id), [])
        if group and group[0].measurement is not claim.measurement:
            raise InvalidInput(
                f"claims {group[0].id} and {claim.id} have different measurements of the id "
                f"{claim.measurement.id!r}; give one of them another"
            )
        group.append(claim)
    return [tuple(group) for group in groups.values()]


def plan_shards(
    claims: tuple[AnyClaim, ...], examples: int, seed: int, sizes: Sizes = QUICK
) -> list[Shard]:
    """Spread `examples` evenly over the families of a measurement, in shards of `SHARD_SIZE`.

    A measurement with a thrift gets the examples divided by it, and smaller shards, so that they
    still spread over workers; never fewer than `FEWEST` where more are asked for.
    """
    measurement = claims[0].measurement
    examples = max(-(-examples // measurement.thrift), min(examples, FEWEST))
    shards = []
    if measurement.examples:
        own = replace(further_shard(claims, "examples", 0, seed, sizes), seed=0)
        shards.append(replace(own, count=len(measurement.examples)))
    families = measurement.families
    for k, family in enumerate(families):
        left = examples // len(families) + (k < examples % len(families))
        index = 0
        while left > 0:
            shard = further_shard(claims, family, index, seed, sizes)
            shards.append(replace(shard, count=min(left, shard.count)))
            left, index = left - shards[-1].count, index + 1
    return shards


def further_shard(
    claims: tuple[AnyClaim, ...], family: str, index: int, seed: int, sizes: Sizes = QUICK
) -> Shard:
    """The shard of that index, at full size, whether or not a plan reaches so far."""
    measurement, module = claims[0].measurement, claims[0].module
    size = max(SHARD_SIZE // measurement.thrift, 2)
    derived = _derived_seed(seed, measurement.id, family, index)
    names = tuple(claim.id for claim in claims)
    return Shard(measurement.id, names, family, index, derived, size, module, sizes)


def _derived_seed(seed: int, *parts: object) -> int:
    text = json.dumps([seed, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def run_shard(shard: Shard) -> ShardResult:
    """Draw and examine every instance of a shard.

    A strategy that fails ends the shard: what is missing then keeps its claims from holding. numpy
    does not warn of overflow, as in an integrator's trial steps: a number that is not finite leaves
    its law open, with that reason.

    Raises:
        InvalidInput: a user's module cannot be loaded.
    """
    claims = tuple(claim_of(shard.module, name) for name in shard.claims)
    with np.errstate(all="ignore"):
        if shard.family != "examples":
            return _drawn(claims, shard)
        own = [examine_all(claims, instance) for instance in claims[0].measurement.examples]
        return ShardResult(shard, tuple(own), 0)


def _drawn(claims: tuple[AnyClaim, ...], shard: Shard) -> ShardResult:
    collected: list[dict[str, Evidence]] = []
    measurement = claims[0].measurement
    # Hypothesis draws the simplest instance first under every seed; once a family is enough
    repeated = min(shard.index, 1)
    attacked = shard.count - -(-SABOTAGED // len(measurement.families)) if not shard.index else inf
    drawn = 0
    settled: dict[str, set[str]] = {claim.id: set() for claim in claims}
    instances: list[Instance] = []

    def use(instance: Instance) -> None:
        nonlocal drawn
        drawn += 1
        if drawn > repeated:
            k = len(collected)
            found = examine_all(
                claims,
                instance,
                sabotage=k >= attacked,
                settled=settled,
            )
            collected.append(found)
            instances.append(instance)
            for name, entry in found.items():
                settled[name] |= entry.refuted

    strategy = measurement.instances((shard.family,), shard.sizes)
    discarded, failure = attempt(
        lambda: draw_instances(strategy, shard.seed, shard.count + repeated, use)
    )
    if measurement.independent and not shard.index and shard.family == measurement.families[0]:
        _route(claims, instances, collected)
    if failure is not None:
        lost = Evidence({}, "raised", f"its strategy: {failure[1]}")
        collected.append({claim.id: lost for claim in claims})
    return ShardResult(shard, tuple(collected), discarded or 0)


def _route(
    claims: tuple[AnyClaim, ...], instances: list[Instance], collected: list[dict[str, Evidence]]
) -> None:
    """Take the independent route, from the last instance on, until every claim has its numbers."""
    for k in range(len(instances))[: -ROUTED - 1 : -1]:
        lacking = [c for c in claims if not any(found[c.id].comparisons for found in collected)]
        if not lacking:
            return
        if any(collected[k][claim.id].outcome == "measured" for claim in lacking):
            collected[k] = compared(claims, instances[k], collected[k])


class ShardStore:
    """Finished shards as files in a folder, so that an interrupted run keeps what it measured."""

    def __init__(self, folder: Path, code: str, own: str = "") -> None:
        """Of the code of the suite, and of a user's own."""
        self._all, self._code = folder, code
        self.folder = folder / f"{code}-{own}"
        self._files: set[Path] = set()

    def _file(self, shard: Shard) -> Path:
        path = self.folder / f"{shard.name}.json"
        self._files.add(path)
        return path

    def load(self, shard: Shard) -> ShardResult | None:
        """A finished shard, or None; an unreadable file counts as unfinished."""
        try:
            data = json.loads(self._file(shard).read_text(encoding="utf-8"))
            instances = tuple(
                {name: Evidence.from_json(entry) for name, entry in found.items()}
                for found in data["instances"]
            )
            return ShardResult(shard, instances, int(data["discarded"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, result: ShardResult) -> None:
        data = {
            "shard": result.shard.name,
            "instances": [
                {name: entry.to_json() for name, entry in found.items()}
                for found in result.instances
            ],
            "discarded": result.discarded,
        }
        # read by nothing else, so NaN and Infinity may stay as Python writes them
        write_text(self._file(result.shard), json.dumps(data))

    def clear(self) -> None:
        """Remove the shards of this run, once its results are written, and those of earlier code.

        Those of other runs stay: with the same seed, sizes and claims these still resume.
        """
        for path in self._files:
            path.unlink(missing_ok=True)
        if not any(self.folder.glob("[!.]*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)
        for other in self._all.glob("*"):
            if not other.name.startswith(f"{self._code}-"):
                shutil.rmtree(other, ignore_errors=True)
        if self._all.is_dir() and not any(self._all.iterdir()):
            self._all.rmdir()


def code_fingerprint(roots: Sequence[Path]) -> str:
    """Hash of sources, files or all below a folder: shards of other code are not resumed."""
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(path.relative_to(root.parent).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def suite_fingerprint() -> str:
    """Hash of the sources of `theory` and `verify`, as this process first found them."""
    return code_fingerprint(suite_sources())


def suite_sources() -> list[Path]:
    """The folders of `theory` and `verify`."""
    import theory
    import verify

    return [Path(str(module.__file__)).parent for module in (theory, verify)]
