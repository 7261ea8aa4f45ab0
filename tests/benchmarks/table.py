"""Writes docs/benchmarks.md from pytest-benchmark's JSON.

python tests/benchmarks/table.py bench.json > docs/benchmarks.md
"""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "numba", "torch", "jax", "diffrax", "torchdiffeq")
OURS = ("gradient_flow_batch", "gradient_flow", "diagonal_flow")

PREAMBLE = """# Benchmarks

Seconds differ between machines; read the ratios, all of one run. Each solver has the loosest
tolerance at which its margins are right to 1e-8 of the largest (`gradient_flow` of diagonal nets:
its default, 1e-11). Calls of `gradient_flow` are timed with their error estimates. Where no net is
named: diagonal nets of degree 2, input dimension 10, six samples. All at decay power 2, 0.7 and
1.3 t_g; nets that are named are batches of four where no other size is told.
Times are the fastest of several rounds, per instance. A solver that is missing gives up: raw
coordinates hold no digits of margins beyond alpha = 1000. With nets that are named they are timed
at alpha = 30 alone, and at 100 in the batch of 64.

Written by `tox -e bench`.
"""


def seconds(entry: Mapping[str, Any]) -> float:
    """Per instance, and for the whole flow; per t_g where an entry covers less."""
    info = entry["extra_info"]
    whole: float = info.get("whole_flow", info.get("seconds per t_g", entry["stats"]["min"]))
    return whole / float(info.get("instances", 1))


def table(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """One group: fastest first, ratios to our own flow."""
    own = [seconds(e) for e in entries if e["name"] in OURS]
    lines = ["| solver | rtol | ms per instance | ratio |", "| --- | --- | ---: | ---: |"]
    for entry in sorted(entries, key=seconds):
        rtol = entry["extra_info"].get("rtol")
        ratio = f"{seconds(entry) / own[0]:.3g}" if own else ""
        note = " (first order, extrapolated)" if "whole_flow" in entry["extra_info"] else ""
        shown = f"{rtol:.0e}" if rtol else ""
        lines.append(f"| {entry['name']}{note} | {shown} | {1e3 * seconds(entry):.3g} | {ratio} |")
    return lines


def document(results: Mapping[str, Any]) -> str:
    machine = results["machine_info"]
    cpu = machine.get("cpu", {})
    lines = [PREAMBLE, f"{cpu.get('brand_raw', machine['machine'])}, {cpu.get('count')} cores; "]
    lines[-1] += f"Python {machine['python_version']}, {', '.join(_versions())}."
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in results["benchmarks"]:
        groups.setdefault(entry["group"] or entry["name"], []).append(entry)
    for group, entries in groups.items():
        lines += ["", f"## {group[0].upper()}{group[1:]}", "", *table(entries)]
    return "\n".join(lines)


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(document(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
