"""What a run leaves in its folder: whole, and of use to the programs that read it."""

import copy
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.events import RunFinished
from verify.language import Claim
from verify.replay import replay_file
from verify.report.badge import badge
from verify.report.cited import cited
from verify.report.exchange import exchange
from verify.report.files import earlier, report_files, write_report
from verify.report.junit import junit
from verify.report.latex import ROWS, document, tables, tex
from verify.report.markdown import LONGEST, code, fenced, markdown, text
from verify.runner import RunPlan, run

Make = Callable[..., Claim[Any, Any]]
HOSTILE = "a|b `c` <d> & 50% _e_ $f$ #1 @all {g} \\h ^~\x00\x1b α − ≤ 10⁻³ x₁ é 漢"


def hostile(results: dict[str, Any]) -> dict[str, Any]:
    """The same results with texts that mean something to every format."""
    changed = copy.deepcopy(results)
    for claim in changed["claims"]:
        claim.update(title=HOSTILE, source=HOSTILE, id=f"{claim['id']} {HOSTILE}")
        claim["power"] = [{"constant": HOSTILE, "value": 2.0, "detected": None}]
        for entry in claim["rates"]:
            entry["quantity"] = HOSTILE
        for rival in claim["rivals"]:
            rival.update(id=HOSTILE, description=HOSTILE)
    changed["command"] = HOSTILE
    return changed


def test_a_run_leaves_every_file_and_nothing_half_written(
    tiny_claim: Make, plan: Callable[..., RunPlan], tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    run(plan(tiny_claim(), examples=8), report_files(folder, tmp_path / "none.json"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "badge.svg",
        "claims.json",
        "index.html",
        "instances",
        "junit.xml",
        "report.md",
        "report.tex",
        "results.json",
        "tables.tex",
    ]
    for name in ("badge.svg", "junit.xml"):
        ET.parse(folder / name)


def test_every_command_in_the_reports_replays_the_number_that_it_stands_by(
    tiny_claim: Make, plan: Callable[..., RunPlan], tmp_path: Path
) -> None:
    claims = (tiny_claim(), tiny_claim(limit=3.0, name="fallen"))
    folder = tmp_path / "report"
    results = run(plan(*claims, examples=8), report_files(folder)).to_json()
    page = (folder / "index.html").read_text(encoding="utf-8")
    comment = (folder / "report.md").read_text(encoding="utf-8")
    for claim in results["claims"]:
        found = cited(claim, folder)
        assert found
        for index, citation in found.items():
            assert citation.command in page
            saved = json.loads(citation.path.read_text(encoding="utf-8"))
            entry = claim["instances"][index]
            assert saved == entry["instance"]
            verdict = "falsified" if entry["severity"] > 1.0 else "holds"
            assert replay_file(citation.path).verdict == verdict
    commands = re.findall(r"python -m verify replay (\S+?)(?=[<\s])", page + comment)
    assert len(commands) > 8
    assert all((folder / path).is_file() for path in commands)


def test_a_report_folder_may_be_moved(
    tiny_claim: Make, plan: Callable[..., RunPlan], tmp_path: Path
) -> None:
    """Every command works in the folder, every link leads to a file, and a page made anew where
    the folder has come to lie says the same."""
    folder = tmp_path / "report"
    plans = plan(tiny_claim(limit=3.0, name="fallen"), examples=8)
    run(replace(plans, folder=folder), report_files(folder))
    before = (folder / "index.html").read_text(encoding="utf-8")
    moved = folder.rename(tmp_path / "elsewhere")
    links = re.findall(r'href="((?!#)[^"]+)"', before)
    assert {Path(link).parts[0] for link in links} >= {"instances", "counterexamples"}
    assert all((moved / link).is_file() for link in links)
    assert str(tmp_path) not in re.sub(r"<footer>.*", "", before, flags=re.S).replace(
        "python -m verify run", ""
    )
    results = json.loads((moved / "results.json").read_text(encoding="utf-8"))
    write_report(results, moved)
    assert (moved / "index.html").read_text(encoding="utf-8") == before


def test_claims_for_other_projects_have_sources_evidence_and_code(ran: dict[str, Any]) -> None:
    known = {**ran["claims"][0], "id": "kernel-svm"}
    found = exchange({**ran, "claims": [known, *ran["claims"][1:]]})
    assert (found["format"], found["version"]) == ("theory-verify claims", 1)
    assert {"version", "commit", "python"} <= found["code"].keys()
    ours, foreign, _ = found["claims"]
    (work,) = ours["source"]["works"]
    assert (work["arxiv"], work["version"], work["where"]) == ("2311.18817", "v2", ["Theorem 3.4"])
    assert foreign["source"]["works"] == []
    assert foreign["verdict"] == "falsified"
    assert foreign["evidence"]["refuted"] == ran["claims"][1]["refuted"] > 0
    assert all(entry["seed"] == ran["seed"] for entry in found["claims"])
    assert json.loads(json.dumps(found)) == found


def test_a_claim_of_a_module_is_replayed_with_it(ran: dict[str, Any]) -> None:
    claim = {**ran["claims"][0], "module": "my claims.py", "id": "a/b"}
    citation = cited(claim, Path("here"))[0]
    words = shlex.split(citation.command)
    assert words[3:] == ["replay", "--module", "my claims.py", "instances/a-b-0.json"]
    assert citation.path == Path("here/instances/a-b-0.json")


def test_the_file_of_a_module_is_named_from_the_folder_of_the_report(
    ran: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my claims.py").write_text("")
    claim = {**ran["claims"][0], "module": "my claims.py", "id": "a/b"}
    words = shlex.split(cited(claim, Path("reports/latest"))[0].command)
    assert words[5] == "../../my claims.py"
    assert (Path("reports/latest") / words[5]).resolve() == Path("my claims.py").resolve()


# --- junit.xml -----------------------------------------------------------------------------------

SUITES = {"name", "tests", "failures", "errors", "time", "disabled"}
SUITE = SUITES | {"skipped", "timestamp", "hostname", "id", "package"}
CASE = {"name", "classname", "time", "assertions", "status"}
OUTCOME = {"type", "message"}


def check_junit(source: str) -> ET.Element:
    """The rules of the schema that Jenkins, GitLab and GitHub's readers share."""
    root = ET.fromstring(source)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= SUITES
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) <= SUITE
        assert {"name", "tests"} <= set(suite.attrib)
        assert [child.tag for child in suite] == ["properties"] + ["testcase"] * (len(suite) - 1)
        assert all(set(entry.attrib) == {"name", "value"} for entry in suite[0])
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for tag, plural in (("failure", "failures"), ("error", "errors")):
            found = sum(case.find(tag) is not None for case in cases)
            assert int(suite.attrib[plural]) == found
        for case in cases:
            assert {"name", "classname"} <= set(case.attrib) <= CASE
            assert float(case.attrib["time"]) >= 0.0
            assert {child.tag for child in case} <= {"failure", "error", "system-out"}
            for child in case.findall("failure") + case.findall("error"):
                assert set(child.attrib) == OUTCOME
    for name in ("tests", "failures", "errors"):
        total = sum(int(suite.attrib[name]) for suite in root)
        assert int(root.attrib[name]) == total
    return root


def test_junit_has_a_case_for_every_claim_and_rival(ran: dict[str, Any]) -> None:
    root = check_junit(junit(ran))
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert len(cases) == sum(1 + len(claim["rivals"]) for claim in ran["claims"])
    fallen = cases["theory-verify.claim", "fallen"].find("failure")
    assert fallen is not None
    assert fallen.get("message") == "falsified, expected holds"
    assert ran["claims"][1]["counterexample"]["command"] in (fallen.text or "")
    assert cases["theory-verify.claim", "refuted"].find("failure") is None
    assert cases["theory-verify.rivals.fallen", "blind"].find("failure") is not None
    assert root.get("failures") == "2"


def test_an_inconclusive_claim_is_an_error_in_junit(ran: dict[str, Any]) -> None:
    ran["claims"][0]["verdict"] = "inconclusive"
    root = check_junit(junit(ran))
    assert root.get("errors") == "1"


def test_junit_holds_any_text(ran: dict[str, Any]) -> None:
    check_junit(junit(hostile(ran)))


# --- badge.svg -----------------------------------------------------------------------------------


def test_the_badge_counts_and_takes_the_colour_of_the_exit_status(ran: dict[str, Any]) -> None:
    root = ET.fromstring(badge(ran))
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == "claims: 1/2 hold, 1/1 refuted"
    colours = {status: badge({**ran, "exit_status": status}) for status in (0, 1, 3)}
    assert len(set(colours.values())) == 3
    assert badge(ran) == colours[1]


# --- tables.tex ----------------------------------------------------------------------------------


def test_tables_have_as_many_cells_as_columns(ran: dict[str, Any]) -> None:
    for results in (ran, hostile(ran)):
        source = tables(results)
        assert source.count(r"\begin{table}") == source.count(r"\caption{") >= 2
        bodies = re.findall(r"\\begin\{tabular\}\{(.*?)\}\n(.*?)\\end\{tabular\}", source, re.S)
        assert bodies
        for columns, body in bodies:
            width = len(re.sub(r"p\{[^}]*\}?", "p", columns))
            for line in body.splitlines():
                if line.startswith(r"\multicolumn"):
                    assert f"{{{width}}}" in line
                elif line.endswith(r"\\"):
                    assert len(re.findall(r"(?<!\\)&", line)) == width - 1


def test_a_long_table_goes_on_in_a_next_one(ran: dict[str, Any]) -> None:
    ran["claims"] = ran["claims"][:1] * (ROWS + 1)
    source = tables(ran)
    assert f"Verdicts on {ROWS + 1} claims, continued." in source
    assert r"\label{tab:verdicts-2}" in source


@pytest.mark.parametrize(
    ("plain", "typeset"),
    [
        ("t_g < 50 % & more", r"t\_g $<$ 50 \% \& more"),
        ("α ≤ Λ·10⁻³", r"$\alpha$ $\le$ $\Lambda$$\cdot$10$^{-3}$"),
        ("log₁₀ |θ|", r"log$_{10}$ $|$$\theta$$|$"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("naïve 漢", r"naive \texttt{U+6F22}"),
        ("two\nlines\x00", r"two lines\texttt{U+0000}"),
    ],
)
def test_text_is_escaped_for_latex(plain: str, typeset: str) -> None:
    assert tex(plain) == typeset


@given(st.text(max_size=40))
def test_no_text_leaves_anything_for_latex_to_misread(plain: str) -> None:
    found = tex(plain)
    assert found.isascii()
    assert found.isprintable()
    left = re.sub(r"\\(?:textbackslash|textasciicircum|textasciitilde|dots)\{\}", "", found)
    left = re.sub(r"\\texttt\{U\+[0-9A-F]{4,6}\}|\\[{}#$%&_]", "", left)
    left = re.sub(r"\$(?:\\[A-Za-z]+|[\^_]\{[-\d]+\}|\^\\circ|[|<>-])\$", "", left)
    left = left.replace("~", "")
    assert not re.search(r"[\\{}#$%&_^]", left)


def test_the_document_compiles(ran: dict[str, Any], tmp_path: Path) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no LaTeX: pdflatex is not installed")
    (tmp_path / "tables.tex").write_text(tables(hostile(ran)), encoding="utf-8")
    (tmp_path / "report.tex").write_text(document(), encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


# --- report.md -----------------------------------------------------------------------------------


def cells(line: str) -> int:
    return line.count("|")


def test_tables_of_the_comment_keep_their_columns(ran: dict[str, Any]) -> None:
    for results in (ran, hostile(ran)):
        source = markdown(results, Path("report"), ran)
        blocks = re.findall(r"(?:^\|.*\n)+", source, re.M)
        assert len(blocks) >= 4
        for block in blocks:
            assert len({cells(line) for line in block.splitlines()}) == 1
        assert source.count("<details>") == source.count("</details>") == len(results["claims"])
    tags = set(re.findall(r"<(/?\w+)", source))
    assert tags <= {"details", "/details", "summary", "/summary", "code", "/code"}


def test_the_comment_says_which_verdicts_changed(ran: dict[str, Any]) -> None:
    before = copy.deepcopy(ran)
    assert "No verdict changed since" in markdown(ran, Path("r"), before)
    before["claims"][1]["verdict"] = "holds"
    del before["claims"][2]
    source = markdown(ran, Path("r"), before)
    assert "- **worse**: `fallen`: verdict went from holds to falsified" in source
    assert "- new: `refuted`" in source
    assert "changed" not in markdown(ran, Path("r"))


def test_what_needs_attention_comes_first_and_the_comment_stays_within_limits(
    ran: dict[str, Any],
) -> None:
    claim = ran["claims"][0]
    many = [{**claim, "id": f"law-{k}", "rates": claim["rates"] * 40} for k in range(60)]
    source = markdown({**ran, "claims": [*many, ran["claims"][1]]}, Path("r"))
    assert len(source) <= LONGEST + 500
    assert source.index("✗ fallen") < source.index("✓ law-0:")
    assert "are in index.html" in source


def test_text_and_code_are_inert_in_markdown() -> None:
    assert text("a|b\n<c> *d* @e #1") == "a&#124;b &lt;c&gt; &#42;d&#42; &#64;e &#35;1"
    assert code("kernel-svm") == "`kernel-svm`"
    assert code("a`|b") == "<code>a&#96;&#124;b</code>"
    assert fenced("a ``` b") == "````sh\na ``` b\n````"


def test_an_unusable_baseline_is_no_baseline(ran: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert earlier(path) is None
    for content in ("{", "[]", '{"schema": 99}', '{"schema": 1, "claims": [{}]}', "\udcff"):
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
        assert earlier(path) is None
    path.write_text('{"schema": 1, "claims": []}', encoding="utf-8")
    assert "new: `tiny`" in markdown(ran, Path("r"), earlier(path))


def test_the_files_follow_from_the_results_alone(ran: dict[str, Any], tmp_path: Path) -> None:
    finished = RunFinished(cast(Any, None), copy.deepcopy(ran))
    contents = []
    for _ in range(2):
        for listener in report_files(tmp_path / "out", tmp_path / "none.json"):
            listener(finished)
        files = sorted((tmp_path / "out").rglob("*.*"))
        contents.append({path: path.read_bytes() for path in files})
    assert contents[0] == contents[1]
