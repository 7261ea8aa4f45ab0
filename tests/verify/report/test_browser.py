"""The page as a browser shows it: on a phone, on a desktop, and in print."""

import copy
import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import claim_named
from verify.necessity.table import NecessityPlan, run_necessity
from verify.report.html import render

pytestmark = pytest.mark.slow

BASELINE = Path(__file__).parents[3] / "reports" / "baseline.json"
WIDTHS = {"phone": 390, "desktop": 1280}
LONGEST_PICTURE = 12000
LARGEST_PAGE = 6e6

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
    assert 5 < printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") < 200
    browser.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.evaluate("getComputedStyle(document.querySelector('.up')).display") == "none"
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")


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
