"""The registry names every claim once, in agreement with it, and the pages are written from it."""

import re
from pathlib import Path
from typing import Any

import pytest

from theory.errors import InvalidInput
from verify.catalogue import all_claims
from verify.claims import suite_claims
from verify.family_pages import FOLDER, family_pages
from verify.language import Claim
from verify.registry import FILE, parse, registry, source_of
from verify.registry_tables import BLOCKS, PAGES, ROOT, table, written

CLAIMS = list(all_claims().values())
TEXT = FILE.read_text(encoding="utf-8")


def test_every_claim_is_registered_and_every_entry_is_a_claim() -> None:
    assert sorted(registry().claims) == sorted(claim.id for claim in CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim_and_entry_agree(claim: Claim[Any, Any]) -> None:
    assert claim.expected == registry()[claim.id].expected
    assert claim.source == source_of(claim.id)


def test_sources_name_the_paper_the_number_and_what_is_this_projects() -> None:
    assert source_of("kernel-regression") == (
        "Lyu et al. (ICLR 2024), Theorem 3.9; the exponents are this project's"
    )


def test_cited_papers_are_in_the_citation_file() -> None:
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for paper in registry().papers.values():
        assert paper.title in cited


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_are_current(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- registry: " in text
    assert text == written(text, registry()), "run python -m verify.registry_tables"


def test_pages_of_families_are_current_and_no_other_is_left() -> None:
    pages = family_pages(registry(), suite_claims())
    for page, text in pages.items():
        found = (ROOT / page).read_text(encoding="utf-8")
        assert found == text, "run python -m verify.registry_tables"
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == {page.name for page in pages}


def test_page_of_a_family_says_what_its_claims_say() -> None:
    page = family_pages(registry(), suite_claims())[FOLDER / "softmax.md"]
    for entry in registry().claims.values():
        claim = all_claims()[entry.id]
        assert (claim.statement in page) == (entry.family == "softmax")
        assert (f"`{entry.id}`" in page) == (entry.family == "softmax")
    false = [e for e in registry().claims.values() if e.expected == "falsified"]
    assert page.count("**False**") == sum(entry.family == "softmax" for entry in false)


def test_every_block_is_on_a_page() -> None:
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- registry: ([\w-]+) -->", text)) == set(BLOCKS)


def test_block_of_another_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="block is 'claims'"):
        written("<!-- registry: claims -->\n<!-- end of registry -->", registry())


def test_bars_in_cells_are_escaped() -> None:
    assert table(("a", "b"), [("|w|", "c")]).splitlines()[-1] == r"| \|w\| | c |"


def test_unknown_claim() -> None:
    with pytest.raises(InvalidInput, match="claim is 'no-such'"):
        registry()["no-such"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "kkt"', 'id = "kernel-svm"', "stands twice"),
        ('id = "kkt"', 'name = "kkt"', "has \\['name'\\]"),
        ('where = ["Lemma C.5"]', 'where = ["Lemma of C"]', "no number"),
        ('paper = "dichotomy"', 'paper = "dychotomy"', "paper of"),
        ('family = "early_late"', 'family = "early"', "family of"),
        ('expected = "holds"', 'expected = "true"', "expected of"),
        ('counterparts = ["escape-time"]', 'counterparts = ["kkt"]', "does not name it"),
        ('counterparts = ["escape-time"]', 'counterparts = ["no-such"]', "counterpart of"),
        ('counterparts = ["escape-time"]', "", "must have the true statement"),
        ('instead = "two regimes"', 'rests_on = "two regimes"', "must have instead"),
        ('shares = ["large_start"]', 'shares = ["large"]', "shares of family 'early_late'"),
        ('"lambda: weight decay, of', '"lambda is weight decay, of', "must read 'symbol: meaning'"),
        ('says = "before t_g', "says = 3 # ", "must be a str"),
        ('rests_on = "order', "rests_on = order", "not TOML"),
    ],
)
def test_faults_are_named(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidInput, match=message):
        parse(TEXT.replace(old, new, 1))


def test_counterparts_of_one_verdict_are_refused() -> None:
    first, second = TEXT.split('id = "escape-time-outside"')
    swapped = second.replace('expected = "falsified"', 'expected = "holds"', 1)
    swapped = swapped.replace("instead =", "rests_on =", 1)
    with pytest.raises(InvalidInput, match="are both holds"):
        parse(f'{first}id = "escape-time-outside"{swapped}')
