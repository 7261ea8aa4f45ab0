"""junit.xml: a test case for every claim and every rival, for the pages of CI systems.

A claim passes with the expected verdict, fails with another, and is an error when inconclusive; a
rival passes when it is rejected.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from verify.report import words

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""Characters that XML 1.0 cannot hold."""


def junit(results: Mapping[str, Any]) -> str:
    """The content of junit.xml for a results.json."""
    suites = [_suite(claim, results) for claim in results["claims"]]
    root = ET.Element("testsuites", {"name": "theory-verify"})
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.attrib[name]) for suite in suites)))
    root.set("time", f"{results['seconds']:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(claim: Mapping[str, Any], results: Mapping[str, Any]) -> ET.Element:
    """A claim with its rivals."""
    cases = list(_cases(claim))
    suite = ET.Element("testsuite", {"name": _clean(claim["id"]), "tests": str(len(cases))})
    for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{claim['seconds']:.3f}")
    properties = ET.SubElement(suite, "properties")
    described = {
        "seed": results["seed"],
        "profile": results["profile"],
        "commit": results["environment"].get("commit"),
        "instances": claim["examples"],
        "source": claim["source"],
    }
    for name, value in described.items():
        ET.SubElement(properties, "property", {"name": name, "value": _clean(str(value))})
    suite.extend(cases)
    return suite


def _cases(claim: Mapping[str, Any]) -> Iterator[ET.Element]:
    reasons = "\n".join(words.reasons(dict(claim)))
    case = _case(claim["id"], "claim", claim["seconds"])
    if claim["verdict"] == "inconclusive":
        _outcome(case, "error", "inconclusive", "inconclusive", reasons)
    elif claim["verdict"] != claim["expected"]:
        message = f"{claim['verdict']}, expected {claim['expected']}"
        found = claim["counterexample"]
        replay = f"\n{words.counterexample(found)}, to be judged again: " if found else ""
        replay += found["command"] if found else ""
        _outcome(case, "failure", claim["verdict"], message, reasons + replay)
    else:
        ET.SubElement(case, "system-out").text = _clean(reasons)
    yield case
    for rival in claim["rivals"]:
        case = _case(rival["id"], f"rivals.{claim['id']}", 0.0)
        if not rival["rejected"]:
            message = "survived: this evidence does not tell it from the claim"
            _outcome(case, "failure", "survived", message, rival["description"])
        yield case


def _case(name: str, group: str, seconds: float) -> ET.Element:
    return ET.Element(
        "testcase",
        {
            "name": _clean(name),
            "classname": _clean(f"theory-verify.{group}"),
            "time": f"{seconds:.3f}",
        },
    )


def _outcome(case: ET.Element, tag: str, kind: str, message: str, detail: str) -> None:
    element = ET.SubElement(case, tag, {"type": kind, "message": _clean(message)})
    element.text = _clean(detail)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
