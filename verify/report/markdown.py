"""report.md: the run as a comment on a pull request, the details folded away."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from verify.compare import changes
from verify.necessity.words import evidence
from verify.report import words
from verify.report.cited import cited, index_of
from verify.report.portable import counterexample_path, replay_command

LONGEST = 60_000
"""Characters: what hosts allow in a comment, with room to spare. Details are dropped beyond it."""

RATE_HEADER = ("rate", "predicted", "fitted", "interval", "tolerance", "judgement")
POWER_HEADER = ("constant", "value", "smallest error noticed")
_MARKS = {True: "✓", False: "✗", None: "?"}


def markdown(
    results: Mapping[str, Any], folder: Path, before: Mapping[str, Any] | None = None
) -> str:
    """A table of the claims, what changed, and folded details.

    Args:
        results: the content of results.json.
        folder: the report's, for the commands that judge an instance again.
        before: the results of an earlier run, for what changed.
    """
    claims = results["claims"]
    head = [
        f"## theory-verify: {_headline(claims)}",
        "",
        words.summary(dict(results)),
        "",
        *_changed(claims, before),
        *_table(
            ("", "claim", "verdict", "instances", "worst / bound", "rivals rejected"),
            (_row(claim) for claim in claims),
        ),
        "",
        *_necessity(results.get("necessity")),
    ]
    tail = [_provenance(results)]
    room = LONGEST - sum(len(line) + 1 for line in (*head, *tail))
    # those that need attention first: they are the last to be dropped
    folded: list[str] = []
    left_out = 0
    for claim in sorted(claims, key=_as_expected):
        block = "\n".join(_details(claim, folder))
        room -= len(block) + 1
        if room < 200:
            left_out += 1
        else:
            folded.append(block)
    if left_out:
        folded.append(f"Details of {words.counted(left_out, 'claim')} are in index.html.\n")
    return "\n".join([*head, *folded, *tail]) + "\n"


def _as_expected(claim: Mapping[str, Any]) -> bool:
    return bool(claim["verdict"] == claim["expected"]) and all(
        rival["rejected"] for rival in claim["rivals"]
    )


def _headline(claims: Sequence[Mapping[str, Any]]) -> str:
    expected = sum(claim["verdict"] == claim["expected"] for claim in claims)
    return f"{expected} of {words.counted(len(claims), 'verdict')} as expected"


def _verdict(claim: Mapping[str, Any]) -> str:
    if claim["verdict"] == claim["expected"]:
        expected = "" if claim["expected"] == "holds" else ", as expected"
        return f"{claim['verdict']}{expected}"
    return f"**{claim['verdict']}**, expected {claim['expected']}"


def _row(claim: Mapping[str, Any]) -> tuple[str, ...]:
    inconclusive = claim["verdict"] == "inconclusive"
    rejected = sum(rival["rejected"] for rival in claim["rivals"])
    return (
        _MARKS[None if inconclusive else _as_expected(claim)],
        code(claim["id"]),
        _verdict(claim),
        str(claim["examples"]),
        words.share(words.ratio(claim["worst"])),
        f"{rejected} of {len(claim['rivals'])}",
    )


def _changed(
    claims: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None
) -> Iterator[str]:
    """What moved beyond its uncertainty since the earlier run, verdicts first."""
    if before is None:
        return
    known = {claim["id"]: claim for claim in before["claims"]}
    new = [claim["id"] for claim in claims if claim["id"] not in known]
    lines = [
        f"- {'**worse**: ' if worse else ''}{code(claim['id'])}: {text(words.typeset(what))}"
        for claim in claims
        if claim["id"] in known
        for worse, what in changes(known[claim["id"]], dict(claim))
    ]
    since = text(str(before.get("environment", {}).get("commit") or "the baseline"))
    verdicts = [line for line in lines if "verdict went" in line or "rival" in line]
    others = [line for line in lines if line not in verdicts]
    yield (
        f"**Verdicts changed since {since}:**"
        if verdicts
        else (f"No verdict changed since {since}, and no rejection was lost.")
    )
    yield ""
    yield from verdicts
    if new:
        yield f"- new: {', '.join(map(code, new))}"
    if verdicts or new:
        yield ""
    if others:
        yield from _folded(f"{words.counted(len(others), 'number')} moved", others)


def _necessity(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Which assumptions are needed, where that was searched."""
    if found is None:
        return
    rows = [
        (
            text(words.symbols(entry["assumption"])),
            finding["claim"],
            finding["verdict"],
            text(words.typeset(evidence(finding))),
        )
        for entry in found["assumptions"]
        for finding in entry["claims"]
    ]
    header = ("assumption", "claim", "verdict", "evidence")
    yield from _folded("Necessity of the assumptions", _table(header, rows))


def _details(claim: Mapping[str, Any], folder: Path) -> Iterator[str]:
    lines = [f"- {text(words.typeset(reason))}" for reason in words.reasons(dict(claim))]
    if claim["counterexample"]:
        found = claim["counterexample"]
        path = counterexample_path(found, folder)
        command = replay_command(path, claim.get("module"), folder)
        lines += ["", *_command(words.counterexample(found), command)]
    worst = None if claim["worst"] is None else index_of(claim, claim["worst"]["instance"])
    if worst is not None:
        lines += ["", *_command("Worst instance", cited(claim, folder)[worst].command)]
    if claim["rates"]:
        lines += ["", *_table(RATE_HEADER, map(_rate, claim["rates"]))]
    if claim.get("power"):
        lines += ["", *_table(POWER_HEADER, map(_power, claim["power"]))]
    for finding in claim["findings"]:
        lines += ["", f"**Finding:** {text(finding['title'])}. {text(finding['detail'])}"]
    mark = _row(claim)[0]
    yield from _folded(f"{mark} {claim['id']}: {words.symbols(claim['title'])}", lines)


def _rate(rate: Mapping[str, Any]) -> tuple[str, ...]:
    tolerance = rate["tolerance"]
    fitted, low, high = (words.decimals(rate[key], tolerance) for key in ("fitted", "low", "high"))
    return (
        text(words.symbols(rate["quantity"])),
        words.number(rate["predicted"], 4),
        fitted,
        f"[{low}, {high}]",
        f"± {words.number(tolerance)}",
        rate["judgement"],
    )


def _power(entry: Mapping[str, Any]) -> tuple[str, ...]:
    detected = entry["detected"]
    noticed = "none up to 50 %" if detected is None else f"± {words.number(100 * detected)} %"
    return code(entry["constant"]), words.number(entry["value"], 4), noticed


def _provenance(results: Mapping[str, Any]) -> str:
    environment = results["environment"]
    commit = text(str(environment.get("commit") or "not run from a checkout"))
    return (
        f"Commit {commit}, seed {results['seed']}, profile {text(results['profile'])}, "
        f"Python {text(str(environment.get('python') or 'unknown'))}: {code(results['command'])}"
    )


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    opening = f"<details><summary>{text(title)}</summary>"
    return [opening, "", *lines, "", "</details>", ""]


def _command(what: str, command: str) -> list[str]:
    return [f"{what}:", "", fenced(command)]


def _table(header: Sequence[str], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def text(words_from_elsewhere: str) -> str:
    """Plain text in Markdown, also in a cell of a table: nothing in it is mark-up."""
    line = " ".join(words_from_elsewhere.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # an @ would tell people, a # would link to a thread
    return re.sub(r"([\\`*_\[\]|~#@$])", lambda match: f"&#{ord(match[1])};", line)


def code(identifier: str) -> str:
    """A code span, also in a cell of a table."""
    if re.fullmatch(r"[\w ./:=,+-]*", identifier):
        return f"`{identifier}`"
    return f"<code>{text(identifier)}</code>"


def fenced(block: str) -> str:
    """A block of code, in a fence longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", block)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{block}\n{fence}"
