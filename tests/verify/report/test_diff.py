"""Two runs side by side: the page says what compare says, and which numbers differ."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from theory.errors import InvalidInput
from verify.commands import main
from verify.compare import compare_files
from verify.report.diff import pairs_of, render_diff, write_diff


def changed(ran: dict[str, Any]) -> dict[str, Any]:
    """One claim falls, one is left out, one has another count of instances."""
    new = copy.deepcopy(ran)
    kept, _, refuted = new["claims"]
    kept["verdict"] = "falsified"
    refuted["examples"] += 1
    new["claims"] = [kept, refuted]
    return new


def test_every_claim_of_either_run_has_its_state(ran: dict[str, Any]) -> None:
    states = {pair.id: pair.state for pair in pairs_of(ran, changed(ran))}
    assert states == {"tiny": "worse", "fallen": "worse", "refuted": "same"}
    same = {pair.id: pair for pair in pairs_of(ran, ran)}
    assert all(pair.state == "same" and pair.numbers == () for pair in same.values())


def test_numbers_that_differ_are_named(ran: dict[str, Any]) -> None:
    (pair,) = (pair for pair in pairs_of(ran, changed(ran)) if pair.id == "refuted")
    (number,) = pair.numbers
    before = ran["claims"][2]["examples"]
    assert (number.name, number.old, number.new) == ("instances", before, before + 1)


def test_the_page_shows_the_worst_first_and_stands_alone(ran: dict[str, Any]) -> None:
    page = render_diff(ran, changed(ran))
    assert "2 claims got worse" in page
    assert page.index('id="worse"') < page.index('id="same"')
    assert "verdict went from holds to falsified" in page
    assert "http" not in page
    assert "<script" not in page
    assert "Nothing got worse" in render_diff(ran, ran)


def test_compare_writes_the_page(ran: dict[str, Any], tmp_path: Path) -> None:
    old, new, page = (tmp_path / name for name in ("old.json", "new.json", "diff.html"))
    old.write_text(json.dumps(ran), encoding="utf-8")
    new.write_text(json.dumps(changed(ran)), encoding="utf-8")
    assert main(["compare", str(old), str(new), "--html", str(page)]) == 1
    written = page.read_text(encoding="utf-8")
    for line in compare_files(old, new).lines[:-1]:
        assert line.strip().removesuffix(" (regression)") in written
    assert main(["compare", str(old), str(old), "--html", str(page)]) == 0
    with pytest.raises(InvalidInput, match=r"gone\.json"):
        write_diff(old, tmp_path / "gone.json", page)


def test_a_report_is_written_again_from_its_results(ran: dict[str, Any], tmp_path: Path) -> None:
    saved = tmp_path / "results.json"
    saved.write_text(json.dumps(ran), encoding="utf-8")
    assert main(["report", str(saved), "--out", str(tmp_path / "again")]) == 0
    again = json.loads((tmp_path / "again" / "results.json").read_text(encoding="utf-8"))
    assert again == json.loads(json.dumps(ran))
    assert (tmp_path / "again" / "index.html").stat().st_size > 10_000
