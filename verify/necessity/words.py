"""What a search for necessity has found, in lines of text and words."""

from collections.abc import Mapping
from typing import Any


def is_undecided(results: Mapping[str, Any]) -> bool:
    """Whether for some assumption and conclusion no pair could be judged."""
    findings = (f for entry in results["assumptions"] for f in entry["conclusions"])
    return any(finding["verdict"] == "undecided" for finding in findings)


def lines_of(entry: Mapping[str, Any]) -> list[str]:
    """An assumption's rows of the table."""
    lines = []
    for finding in entry["conclusions"]:
        start = f"{entry['assumption']:<24} {finding['conclusion']:<13}"
        lines.append(f"{start} {said(finding)}")
        if finding["counterexample"] is not None:
            lines.append(f"{'':<39}{finding['counterexample']['command']}")
    return [*lines, f"  {entry['assumption']}: {entry['seconds']:.0f} s"]


def said(finding: Mapping[str, Any]) -> str:
    """The verdict in words, with its evidence."""
    joined = " " if finding["verdict"] == "not seen to be needed" else ": "
    return f"{finding['verdict']}{joined}{evidence(finding)}"


def evidence(finding: Mapping[str, Any]) -> str:
    """What the verdict rests on, in words."""
    if finding["counterexample"] is not None:
        without = finding["counterexample"]["violating"]
        restored = finding["counterexample"]["restored"]
        failing = next(part for part in without["parts"] if part["name"] == without["worst"])
        return (
            f"{failing['name']} {failing['value']:.3g}, granted {failing['granted']:.3g}; "
            f"restored, within {restored['severity']:.2g} of what is granted"
        )
    undecided = f", {finding['undecided']} undecided" if finding["undecided"] else ""
    if finding["verdict"] == "undecided":
        return f"no pair of instances could be judged{undecided}"
    return (
        f"in {finding['instances']} instances{undecided} "
        f"(worst: {finding['worst']:.2g} of what is granted)"
    )
