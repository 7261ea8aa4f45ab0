"""What a search for necessity has found, in lines of text and words."""

from collections.abc import Iterator, Mapping
from typing import Any

from verify.report.words import counted


def is_undecided(results: Mapping[str, Any]) -> bool:
    """Whether for some assumption and claim no pair could be judged."""
    findings = (f for entry in results["assumptions"] for f in entry["claims"])
    return any(finding["verdict"] == "undecided" for finding in findings)


def lines_of(entry: Mapping[str, Any]) -> list[str]:
    """An assumption's rows of the table."""
    lines = []
    for finding in entry["claims"]:
        start = f"{entry['assumption']:<24} {finding['claim']:<18}"
        lines.append(f"{start} {said(finding)}")
        if finding["counterexample"] is not None:
            lines.append(f"{'':<44}{finding['counterexample']['command']}")
    return [*lines, f"  {entry['assumption']}: {entry['seconds']:.0f} s"]


def rest_of(results: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on the claims of which no assumption was searched."""
    if results["unviolated"]:
        named = ", ".join(results["unviolated"])
        yield f"No assumption that can be violated by itself is made by {named}."
    if results["failing"]:
        named = ", ".join(results["failing"])
        yield f"With every assumption met these fail already, as they are expected to: {named}."


def said(finding: Mapping[str, Any]) -> str:
    """The verdict in words, with its evidence."""
    joined = " " if finding["verdict"] == "not seen to be needed" else ": "
    return f"{finding['verdict']}{joined}{evidence(finding)}"


def evidence(finding: Mapping[str, Any]) -> str:
    """What the verdict rests on, in words."""
    if finding["counterexample"] is not None:
        name = finding["counterexample"]["failing"]
        without, restored = (_part(finding, which, name) for which in ("violating", "restored"))
        assert without is not None
        told = f"{name} {without['value']:.3g}, granted {without['granted']:.3g}; restored, "
        if restored is None:
            return f"{told}it does not apply, and the others are kept"
        return f"{told}{restored['severity']:.2g} of what is granted"
    others = _others(finding)
    if not finding["instances"]:
        return f"{finding['reason']}{others}" if finding["reason"] else f"no pair judged{others}"
    return (
        f"in {counted(finding['instances'], 'pair')}{others} "
        f"(worst: {finding['worst']:.2g} of what is granted)"
    )


def _part(finding: Mapping[str, Any], which: str, name: str) -> Mapping[str, Any] | None:
    parts = finding["counterexample"][which]["parts"]
    return next((part for part in parts if part["name"] == name), None)


def _others(finding: Mapping[str, Any]) -> str:
    """Pairs that decide nothing."""
    kinds = {"undecided": "undecided", "unproven": "failing with it as well"}
    told = [f", {finding[key]} {word}" for key, word in kinds.items() if finding[key]]
    return "".join(told)
