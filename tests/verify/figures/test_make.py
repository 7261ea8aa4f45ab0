"""Figures resume part by part, and appear in one style, whole or not at all."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from theory import InvalidInput
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.make import make_figure
from verify.figures.outcomes import Outcome, below
from verify.report.gallery import write_gallery


class Counted:
    """Parts that count how often they are computed; part "b" fails while `broken`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken = False

    def parts(self, preset: str) -> list[Part]:
        length = 2 if preset == "quick" else 5
        return [Part(name, lambda name=name: self._compute(name, length)) for name in ("a", "b")]

    def _compute(self, name: str, length: int) -> Table:
        if self.broken and name == "b":
            raise KeyboardInterrupt
        self.calls.append(name)
        return {"x": list(range(length)), name: [float(k) for k in range(length)]}


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    for table in tables.values():
        axes.plot(table["x"], table["x"])
    return figure


def spec(counted: Counted) -> FigureSpec:
    return FigureSpec("sample", "A <sample>", "Caption.", "Source.", counted.parts, draw)


def test_files_hold_the_data_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    files = make_figure(spec(Counted()), "quick", tmp_path, lambda line: None).files
    assert [path.name for path in files] == [
        f"sample.{kind}" for kind in ("csv", "png", "svg", "pdf", "json")
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in files)
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert [row["part"] for row in rows] == ["a", "a", "b", "b"]
    assert rows[3] == {"part": "b", "x": "1", "a": "", "b": "1.0"}
    assert files[1].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in files[2].read_bytes()
    assert files[3].read_bytes().startswith(b"%PDF")
    told = json.loads(files[4].read_text())
    assert (told["preset"], told["caption"], told["outcomes"]) == ("quick", "Caption.", [])


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        make_figure(spec(Counted()), "quick", tmp_path / name, lambda line: None).files
        for name in ("a", "b")
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_figures_have_one_style(tmp_path: Path) -> None:
    seen = []

    def drawn(tables: Mapping[str, Table]) -> Figure:
        seen.append(mpl.rcParams["axes.spines.top"])
        return draw(tables)

    styled = FigureSpec("styled", "", "", "", Counted().parts, drawn)
    make_figure(styled, "quick", tmp_path, lambda line: None)
    assert seen == [False]
    assert mpl.rcParams["axes.spines.top"]


def test_an_interrupted_figure_resumes_with_what_it_has(tmp_path: Path) -> None:
    counted = Counted()
    counted.broken = True
    with pytest.raises(KeyboardInterrupt):
        make_figure(spec(counted), "quick", tmp_path, lambda line: None)
    assert not (tmp_path / "sample.svg").exists()
    counted.broken = False
    lines: list[str] = []
    make_figure(spec(counted), "quick", tmp_path, lines.append)
    assert counted.calls == ["a", "b"]
    assert "resumed" in lines[0]
    assert "resumed" not in lines[1]


def test_an_unknown_preset_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="preset is 'huge'; allowed are quick, paper"):
        make_figure(spec(Counted()), "huge", tmp_path, lambda line: None)
    assert not list(tmp_path.iterdir())


def test_columns_of_unequal_length_are_refused(tmp_path: Path) -> None:
    broken = FigureSpec(
        "broken", "", "", "", lambda preset: [Part("p", lambda: {"x": [1], "y": []})], draw
    )
    with pytest.raises(ValueError, match="columns of unequal lengths"):
        make_figure(broken, "quick", tmp_path, lambda line: None)


def test_the_gallery_shows_what_exists_and_escapes_it(tmp_path: Path) -> None:
    assert "No figure has been made yet" in write_gallery(tmp_path, [spec(Counted())]).read_text()
    make_figure(spec(Counted()), "quick", tmp_path, lambda line: None)
    page = write_gallery(tmp_path, [spec(Counted())]).read_text()
    assert "A &lt;sample&gt;" in page
    assert 'src="sample.svg"' in page
    assert 'href="sample.pdf"' in page
    assert "preset quick" in page


def test_an_expected_failure_is_told_as_such(tmp_path: Path) -> None:
    def outcomes(_: Mapping[str, Table]) -> tuple[Outcome, ...]:
        kept, broken = (below("x", 1.0, 2.0),), (below("x", 3.0, 2.0),)
        return (
            Outcome("as printed", broken, "another", broken, expected="falsified"),
            Outcome("surprising", broken, "another", broken),
            Outcome("true", kept, "another", broken),
        )

    judged = FigureSpec("judged", "", "", "", Counted().parts, draw, outcomes)
    made = make_figure(judged, "quick", tmp_path, lambda line: None)
    assert made.outcomes[0].line().startswith("falsified, as expected: as printed")
    page = write_gallery(tmp_path, [judged]).read_text()
    for words in ("falsified, as expected:", "falsified, which was not expected:", ">holds:"):
        assert words in page
