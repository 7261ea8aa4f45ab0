"""The instances that a report speaks of, as files that can be judged again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.atomic import write_json
from verify.events import Event, RunFinished
from verify.report.portable import replay_command
from verify.report.words import slug


@dataclass(frozen=True)
class Citation:
    """One instance of a claim: where it lies in the list, in which file, and how it is replayed.

    Attributes:
        path: of the file.
        link: the same, from the report's folder.
        command: to be run there.
    """

    index: int
    path: Path
    link: str
    command: str
    instance: Mapping[str, Any]


def cited(claim: Mapping[str, Any], folder: Path) -> dict[int, Citation]:
    """The worst instance, the median one, and those that findings, rates and rivals rest on.

    Args:
        claim: an entry of "claims" in results.json.
        folder: the report's.
    """
    entries = claim["instances"]
    found = [median(claim)]
    named = [claim["worst"], *claim["findings"]]
    found += [index_of(claim, entry["instance"]) for entry in named if entry is not None]
    found += [entry.get("example") for entry in claim["bounds"]]
    for rate in claim["rates"]:
        found += [rate.get("median_example"), rate.get("furthest_example")]
    found += [rival_index(rival) for rival in claim["rivals"]]
    chosen = sorted({index for index in found if index is not None and index < len(entries)})
    return {index: _citation(claim, index, folder) for index in chosen}


def _citation(claim: Mapping[str, Any], index: int, folder: Path) -> Citation:
    link = Path("instances") / f"{slug(claim['id'])}-{index}.json"
    command = replay_command(link, claim.get("module"), folder)
    instance = claim["instances"][index]["instance"]
    named = {**instance, "claim": claim["id"]}
    return Citation(index, folder / link, link.as_posix(), command, named)


def index_of(claim: Mapping[str, Any], instance: Mapping[str, Any]) -> int | None:
    """Where an instance stands in the claim's list."""
    equal = (k for k, entry in enumerate(claim["instances"]) if entry["instance"] == instance)
    return next(equal, None)


def median(claim: Mapping[str, Any]) -> int | None:
    """The instance of median severity."""
    severities = [
        (entry["severity"], index)
        for index, entry in enumerate(claim["instances"])
        if entry["severity"] is not None
    ]
    return sorted(severities)[len(severities) // 2][1] if severities else None


def rival_index(rival: Mapping[str, Any]) -> int | None:
    """The instance after which a rival was rejected."""
    needed = rival["examples_needed"]
    return None if needed is None else needed - 1


@dataclass(frozen=True)
class InstanceFiles:
    """Listener that writes every cited instance to `folder`/instances."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.write(event.data)

    def write(self, results: dict[str, Any]) -> None:
        for claim in results["claims"]:
            for citation in cited(claim, self.folder).values():
                write_json(citation.path, citation.instance)
