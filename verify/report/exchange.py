"""claims.json: what was claimed and what was found, for other projects on reproducibility."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.atomic import write_json
from verify.events import Event, RunFinished
from verify.registry import Registry, registry
from verify.report.cited import cited

FORMAT = "theory-verify claims"
VERSION = 1


@dataclass(frozen=True)
class ExchangeFile:
    """Listener that writes `folder`/claims.json."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.write(event.data)

    def write(self, results: dict[str, Any]) -> None:
        write_json(self.folder / "claims.json", exchange(results, self.folder))


def exchange(results: Mapping[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Each claim with its source, verdict and evidence, and what made them: code, seed, sizes.

    Args:
        folder: the report's, which file names are relative to.
    """
    environment = results["environment"]
    packages = environment.get("packages") or {}
    known = registry()
    return {
        "format": FORMAT,
        "version": VERSION,
        "code": {
            "name": "theory-verify",
            "version": packages.get("theory-verify"),
            "commit": environment.get("commit"),
            "python": environment.get("python"),
            "packages": packages,
        },
        "run": {
            "command": results["command"],
            "profile": results["profile"],
            "seed": results["seed"],
            "seconds": results["seconds"],
        },
        "claims": [_claim(claim, known, results, folder) for claim in results["claims"]],
    }


def _claim(
    claim: Mapping[str, Any], known: Registry, results: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    return {
        "id": claim["id"],
        "title": claim["title"],
        "statement": {"format": "LaTeX", "text": claim["statement"]},
        "assumptions": claim["assumptions"],
        "source": {"text": claim["source"], "works": _works(claim["id"], known)},
        "verdict": claim["verdict"],
        "expected": claim["expected"],
        "evidence": _evidence(claim, folder),
        "seed": results["seed"],
        "code_version": results["environment"].get("commit"),
    }


def _works(claim: str, known: Registry) -> list[dict[str, Any]]:
    """Papers with their version and the numbers in them; none for a claim of another project."""
    if claim not in known.claims:
        return []
    found = []
    for source in known[claim].sources:
        paper = known.papers[source.paper]
        found.append(
            {
                "title": paper.title,
                "authors": list(paper.authors),
                "venue": paper.venue,
                "arxiv": paper.arxiv or None,
                "version": paper.version or None,
                "where": list(source.where),
            }
        )
    return found


def _evidence(claim: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    rivals = claim["rivals"]
    names = ("quantity", "predicted", "fitted", "low", "high", "samples", "tolerance", "judgement")
    bounds = ("name", "basis", "checked", "largest_ratio", "median_ratio")
    return {
        "instances": claim["examples"],
        "decided": claim["decided"],
        "refuted": claim["refuted"],
        "inconclusive": claim["inconclusive"],
        "bounds": [{name: bound.get(name) for name in bounds} for bound in claim["bounds"]],
        "rates": [{name: rate.get(name) for name in names} for rate in claim["rates"]],
        "rivals": [{"id": r["id"], "rejected": r["rejected"]} for r in rivals],
        "smallest_error_detected": {
            power["constant"]: power["detected"] for power in claim.get("power", ())
        },
        "tolerances": claim["tolerances"],
        "files": [citation.link for citation in cited(claim, folder).values()],
    }
