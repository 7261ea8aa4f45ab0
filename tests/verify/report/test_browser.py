"""The page as a browser shows it: on a phone, on a desktop, and in print."""

import copy
import json
import re
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import claim_named
from verify.necessity.table import NecessityPlan, run_necessity
from verify.registry import registry
from verify.report.diff import render_diff
from verify.report.html import render

pytestmark = pytest.mark.slow

BASELINE = Path(__file__).parents[3] / "reports" / "baseline.json"
WIDTHS = {"phone": 390, "desktop": 1280}
LONGEST_PICTURE = 12000
LARGEST_PAGE = 8e6
PAGES_OF_A_SUMMARY = 5
"""Of 127 claims; 4 it takes."""

BROKEN_LINKS = """[...document.querySelectorAll('a[href^="#"]')]
    .map(link => link.getAttribute('href')).filter(to => !document.getElementById(to.slice(1)))"""
EMPTY_FORMULAS = """[...document.querySelectorAll('math')].filter(formula => {
    const box = formula.getBoundingClientRect();
    return !formula.textContent.trim() || box.width < 5 || box.height < 5; }).length"""
WIDER_THAN_THE_WINDOW = """[...document.querySelectorAll('body *')].filter(element => {
    const box = element.getBoundingClientRect();
    return box.right > innerWidth + 1 && !element.closest('.scroll, .statement > div, svg'); })
    .map(element => element.tagName + '.' + element.className).slice(0, 5)"""
TEXT_IN_PLOTS = """Math.min(...[...document.querySelectorAll('figure svg text')]
    .map(text => text.getBoundingClientRect().height).filter(height => height > 0), 99)"""

PAIRS = """[...document.querySelectorAll('#necessity td a')].map(link => {
    const pair = document.getElementById(link.hash.slice(1));
    return [pair.querySelectorAll('svg').length, pair.querySelector('.command').textContent]; })"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of the committed results, with everything that a page can show put in."""
    results = json.loads(BASELINE.read_text(encoding="utf-8"))
    kept, fallen, refuted = results["claims"][:3]
    kept["power"] = [{"constant": "exponent", "value": 2.0, "detected": 0.05}]
    for claim, expected in ((fallen, "holds"), (refuted, "falsified")):
        saved = tmp_path / f"{claim['id']}.json"
        saved.write_text(json.dumps(claim["worst"]["instance"]), encoding="utf-8")
        claim.update(verdict="falsified", expected=expected, refuted=1)
        claim["counterexample"] = {
            "instance": str(saved),
            "command": f"python -m verify replay {saved}",
            "severity": 12.0,
            "shrunk": True,
        }
    judged = tuple(map(claim_named, ("frozen-direction", "kkt")))
    named = ("c > 0", "separability")
    searched = NecessityPlan(judged, named, 3, 0, tmp_path, inf, jobs=1)
    results["necessity"] = run_necessity(searched, lambda entry: None)
    source = render(results, tmp_path)
    assert len(source.encode()) < LARGEST_PAGE
    path = tmp_path / "index.html"
    path.write_text(source, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of sixty claims of the committed results."""
    results = json.loads(BASELINE.read_text(encoding="utf-8"))
    results["claims"] = results["claims"][:60]
    folder = tmp_path_factory.mktemp("sixty")
    path = folder / "index.html"
    path.write_text(render(results, folder), encoding="utf-8")
    return path


@pytest.mark.parametrize("device", WIDTHS)
def test_the_page_is_whole_on_every_screen(
    device: str, browser: Any, page: Path, artifacts: Path
) -> None:
    browser.open(page, WIDTHS[device])
    browser.screenshot(artifacts / f"{device}.png", LONGEST_PICTURE)
    assert browser.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device]
    assert browser.evaluate(WIDER_THAN_THE_WINDOW) == []
    assert browser.evaluate(BROKEN_LINKS) == []
    assert browser.evaluate("document.querySelectorAll('math').length") > 10
    assert browser.evaluate(EMPTY_FORMULAS) == 0
    assert browser.evaluate(TEXT_IN_PLOTS) >= 8.0
    assert browser.complaints() == []
    assert browser.requested() == [page.as_uri()]


def test_the_contents_lead_to_the_necessity_of_assumptions(browser: Any, page: Path) -> None:
    """Its table, and from there to each pair with both of its pictures and its command."""
    browser.open(page, WIDTHS["phone"])
    browser.evaluate("document.querySelector('.contents a[href=\"#necessity\"]').click()")
    assert browser.evaluate("location.hash") == "#necessity"
    assert browser.evaluate("document.querySelectorAll('#necessity tbody th[rowspan]').length") == 4
    pairs = browser.evaluate(PAIRS)
    assert len(pairs) == 2
    for pictures, command in pairs:
        assert pictures == 2
        assert command.startswith("python -m verify replay ")
    narrow = "document.querySelector('table.necessity').getBoundingClientRect().width"
    assert browser.evaluate(narrow) <= WIDTHS["phone"]


def test_a_link_to_an_instance_opens_the_list_that_hides_it(browser: Any, page: Path) -> None:
    browser.open(page, WIDTHS["desktop"])
    link = "[...document.links].find(link => /-i[0-9]+$/.test(link.hash))"
    target = browser.evaluate(f"{link}.getAttribute('href').slice(1)")
    assert not browser.evaluate(f"document.getElementById('{target}').closest('details').open")
    browser.evaluate(f"{link}.click()")
    assert browser.evaluate(f"document.getElementById('{target}').closest('details').open")


def test_the_page_prints(browser: Any, page: Path, artifacts: Path) -> None:
    browser.open(page, WIDTHS["desktop"])
    browser.print(artifacts / "print.pdf")
    printed = (artifacts / "print.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert pages(printed) <= PAGES_OF_A_SUMMARY
    browser.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert (
            browser.evaluate("getComputedStyle(document.querySelector('main')).display") == "none"
        )
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")


def pages(printed: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", printed))


def test_the_summary_of_sixty_claims_prints_on_two_pages(
    browser: Any, sixty: Path, artifacts: Path
) -> None:
    browser.open(sixty, WIDTHS["desktop"])
    browser.print(artifacts / "sixty.pdf")
    assert pages((artifacts / "sixty.pdf").read_bytes()) <= 2
    browser.evaluate("document.getElementById('print-all').click()")
    browser.print(artifacts / "sixty-all.pdf")
    # every claim begins a page
    assert pages((artifacts / "sixty-all.pdf").read_bytes()) >= 60


SHOWN = """[...document.querySelectorAll('#summary-table tbody tr')].filter(row => !row.hidden)
    .map(row => row.querySelector('th code').textContent)"""
ARTICLES = "[...document.querySelectorAll('article')].filter(a => a.offsetHeight > 0).length"


def set_control(browser: Any, name: str, value: str) -> None:
    """As a reader would: the value, then the event."""
    browser.evaluate(
        f"(() => {{ const field = document.getElementById('controls').elements['{name}'];"
        f"field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_claims_are_searched_filtered_and_sorted_without_a_network(
    browser: Any, sixty: Path
) -> None:
    claims = json.loads(BASELINE.read_text(encoding="utf-8"))["claims"][:60]
    browser.open(sixty, WIDTHS["desktop"])
    assert len(browser.evaluate(SHOWN)) == browser.evaluate(ARTICLES) == 60
    set_control(browser, "search", "Kumar escape")
    found = browser.evaluate(SHOWN)
    assert "escape-time" in found
    assert "kernel-svm" not in found
    assert browser.evaluate(ARTICLES) == len(found) < 60
    told = browser.evaluate("document.querySelector('#controls output').textContent")
    assert told == f"{len(found)} of 60 claims"
    set_control(browser, "search", "")
    set_control(browser, "verdict", "falsified")
    refuted = {claim["id"] for claim in claims if claim["verdict"] == "falsified"}
    assert set(browser.evaluate(SHOWN)) == refuted
    assert browser.evaluate("document.getElementById('theorems').hidden")
    set_control(browser, "verdict", "")
    set_control(browser, "family", "conservation")
    assert {registry()[name].family for name in browser.evaluate(SHOWN)} == {"conservation"}
    browser.evaluate("document.querySelector('#controls button[type=reset]').click()")
    browser.evaluate("new Promise(done => setTimeout(done, 50))")
    assert len(browser.evaluate(SHOWN)) == 60
    seconds = "document.querySelectorAll('#summary-table thead th')[2].querySelector('button')"
    counts = {claim["id"]: claim["examples"] for claim in claims}
    for direction in (1, -1):
        browser.evaluate(f"{seconds}.click()")
        order = [direction * counts[name] for name in browser.evaluate(SHOWN)]
        assert order == sorted(order)
    assert browser.complaints() == []
    assert browser.requested() == [sixty.as_uri()]


def test_without_javascript_everything_can_be_read(browser: Any, sixty: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(sixty, WIDTHS["phone"])
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert len(browser.evaluate(SHOWN)) == browser.evaluate(ARTICLES) == 60
    assert browser.evaluate("document.getElementById('controls').hidden")
    assert browser.evaluate("document.querySelectorAll('#summary-table button').length") == 0


def test_a_point_of_a_ladder_says_and_opens_its_instance(browser: Any, sixty: Path) -> None:
    browser.open(sixty, WIDTHS["desktop"])
    first = "document.querySelector('a > .hit')"
    browser.evaluate(f"{first}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    at = browser.evaluate(
        f"(() => {{ const path = {first}, matrix = path.getScreenCTM(),"
        "at = path.getPointAtLength(0).matrixTransform(matrix); return [at.x, at.y]; })()"
    )
    under = "document.elementFromPoint({}, {})".format(*at)
    assert browser.evaluate(f"{under}.classList.contains('hit')")
    said = browser.evaluate(f"{under}.querySelector('title').textContent")
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
    assert float(browser.evaluate(f"getComputedStyle({under}).strokeOpacity")) > 0.3
    for kind in ("mousePressed", "mouseReleased"):
        place = {"x": at[0], "y": at[1], "button": "left", "clickCount": 1}
        browser.send("Input.dispatchMouseEvent", type=kind, **place)
    row = browser.evaluate("document.getElementById(location.hash.slice(1)).cells[0].textContent")
    assert said.startswith(f"instance {row}: ")
    target = "document.getElementById(location.hash.slice(1))"
    assert browser.evaluate(f"{target}.closest('details').open")


@pytest.mark.parametrize("device", WIDTHS)
def test_two_runs_side_by_side_fit_every_screen(
    device: str, browser: Any, ran: dict[str, Any], tmp_path: Path, artifacts: Path
) -> None:
    new = copy.deepcopy(ran)
    new["claims"][0]["verdict"] = "inconclusive"
    new["claims"][1]["examples"] += 1
    path = tmp_path / "diff.html"
    path.write_text(render_diff(ran, new), encoding="utf-8")
    browser.open(path, WIDTHS[device])
    browser.screenshot(artifacts / f"diff-{device}.png", LONGEST_PICTURE)
    assert browser.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device]
    assert browser.evaluate(WIDER_THAN_THE_WINDOW) == []
    assert browser.complaints() == []


def test_what_is_wrong_with_a_page_is_noticed(browser: Any, tmp_path: Path) -> None:
    """The checks above can fail."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<!doctype html><meta name=viewport content='width=device-width'>"
        "<script>console.error('x')</script><img src='gone.png'><a href='#nowhere'>x</a>"
        "<math></math><div style='width: 2000px'>wide</div>",
        encoding="utf-8",
    )
    browser.open(path, WIDTHS["phone"])
    assert browser.evaluate("document.documentElement.scrollWidth") > WIDTHS["phone"]
    assert browser.evaluate(WIDER_THAN_THE_WINDOW) == ["DIV."]
    assert browser.evaluate(BROKEN_LINKS) == ["#nowhere"]
    assert browser.evaluate(EMPTY_FORMULAS) == 1
    assert len(browser.complaints()) >= 1
    assert len(browser.requested()) == 2


def test_empty_and_hostile_results_keep_within_a_phone(
    browser: Any, tmp_path: Path, tiny_claim: Callable[..., Any], ran: dict[str, Any]
) -> None:
    hostile = copy.deepcopy(ran)
    for claim in hostile["claims"]:
        claim.update(title="x" * 300, id="y" * 300, source="z" * 300)
    for results in ({**ran, "claims": []}, hostile):
        path = tmp_path / "page.html"
        path.write_text(render(results), encoding="utf-8")
        browser.open(path, WIDTHS["phone"])
        assert browser.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"]
        assert browser.complaints() == []
