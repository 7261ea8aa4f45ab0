"""Shards: the independent pieces of a run, each with a seed of its own.

What a shard holds depends on the seed and the profile alone, never on the number of workers, so a
run merges to the same verdicts however it is spread, and one that was interrupted resumes.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from verify.atomic import write_text
from verify.claims import claim_named
from verify.claims.base import Claim
from verify.evidence import Evidence, examine
from verify.instances import Instance
from verify.profiles import SHARD_SIZE
from verify.search import draw_instances
from verify.user_modules import claim_of, user_code

FEWEST = 6
"""Instances of a costly claim at least: the interval of a median needs six to mean 95 %."""


@dataclass(frozen=True)
class Shard:
    """Examples of one claim over one family of nets; family "examples" are the claim's own.

    `module` is where a worker process finds a user's claim.
    """

    claim: str
    family: str
    index: int
    seed: int
    count: int
    module: str | None = None

    @property
    def name(self) -> str:
        return f"{self.claim}-{self.family}-{self.index}-{self.seed:016x}-{self.count}"


@dataclass(frozen=True)
class ShardResult:
    """The evidence of one shard, in the order in which it was drawn.

    `missing` counts examples that could not be looked at, because their workers were lost.
    """

    shard: Shard
    evidence: tuple[Evidence, ...]
    discarded: int
    missing: int = 0


def missing(shard: Shard) -> ShardResult:
    """The result of a shard that is given up."""
    return ShardResult(shard, (), 0, shard.count)


def plan_shards(claim: Claim[Any, Any], examples: int, seed: int) -> list[Shard]:
    """Spread `examples` evenly over the claim's families, in shards of at most `SHARD_SIZE`.

    A claim with a thrift gets the examples divided by it, and smaller shards, so that they still
    spread over workers; never fewer than `FEWEST` where more are asked for.
    """
    examples = max(-(-examples // claim.thrift), min(examples, FEWEST))
    shards = []
    if claim.examples:
        shards.append(Shard(claim.id, "examples", 0, 0, len(claim.examples), claim.module))
    families = claim.families
    for k, family in enumerate(families):
        left = examples // len(families) + (k < examples % len(families))
        index = 0
        while left > 0:
            shard = further_shard(claim, family, index, seed)
            shards.append(replace(shard, count=min(left, shard.count)))
            left, index = left - shards[-1].count, index + 1
    return shards


def further_shard(claim: Claim[Any, Any], family: str, index: int, seed: int) -> Shard:
    """The shard of that index, at full size, whether or not a plan reaches so far."""
    size = max(SHARD_SIZE // claim.thrift, 2)
    derived = _derived_seed(seed, claim.id, family, index)
    return Shard(claim.id, family, index, derived, size, claim.module)


def _derived_seed(seed: int, *parts: object) -> int:
    text = json.dumps([seed, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def run_shard(shard: Shard) -> ShardResult:
    """Draw and examine every instance of a shard.

    Raises:
        InvalidInput: a user's module cannot be loaded, or its claim raises what it should not.
    """
    claim = claim_of(shard.module, shard.claim) if shard.module else claim_named(shard.claim)
    with user_code(claim):
        return _examine_all(claim, shard)


def _examine_all(claim: Claim[Any, Any], shard: Shard) -> ShardResult:
    if shard.family == "examples":
        return ShardResult(shard, tuple(examine(claim, i) for i in claim.examples), 0)
    collected: list[Evidence] = []

    # Hypothesis draws the simplest instance first under every seed; once a family is enough
    repeated = min(shard.index, 1)
    drawn = 0

    def use(instance: Instance) -> None:
        nonlocal drawn
        drawn += 1
        if drawn > repeated:
            collected.append(examine(claim, instance))

    strategy = claim.instances((shard.family,))
    discarded = draw_instances(strategy, shard.seed, shard.count + repeated, use)
    return ShardResult(shard, tuple(collected), discarded)


class ShardStore:
    """Finished shards as files in a folder, so that an interrupted run keeps what it measured."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder / fingerprint

    def load(self, shard: Shard) -> ShardResult | None:
        """A finished shard, or None; an unreadable file counts as unfinished."""
        try:
            data = json.loads((self.folder / f"{shard.name}.json").read_text(encoding="utf-8"))
            evidence = tuple(Evidence.from_json(entry) for entry in data["evidence"])
            return ShardResult(shard, evidence, int(data["discarded"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, result: ShardResult) -> None:
        data = {
            "shard": asdict(result.shard),
            "evidence": [entry.to_json() for entry in result.evidence],
            "discarded": result.discarded,
        }
        # read by nothing else, so NaN and Infinity may stay as Python writes them
        write_text(self.folder / f"{result.shard.name}.json", json.dumps(data))

    def clear(self) -> None:
        """Remove the shards, also those of earlier code, once the results are written."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)


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
