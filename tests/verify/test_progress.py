"""Progress: when it ends, what runs, and silence where nobody looks or nothing takes long."""

import io
from typing import Any

import pytest

from verify.progress import SELDOM, Progress


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def begun(stream: io.StringIO, **options: Any) -> tuple[Progress, Clock]:
    clock = Clock()
    return Progress("shards", stream=stream, clock=clock, width=lambda: 40, **options), clock


def test_the_end_is_told_at_the_speed_so_far_without_what_was_done_before() -> None:
    progress, clock = begun(io.StringIO(), total=10, done=4)
    assert progress.line() == "4 of 10 shards, 0.0 s"
    clock.time += 20.0
    progress.reached(6)
    progress.running("kkt on deep")
    assert progress.line() == "6 of 10 shards, 20.0 s, about 40.0 s left; now kkt on deep"


def test_a_budget_tells_the_end_before_anything_is_done() -> None:
    progress, clock = begun(io.StringIO(), total=2, seconds=90.0)
    clock.time += 30.0
    assert progress.line() == "0 of 2 shards, 30.0 s, about 1 min 0 s left"


def test_lines_are_few_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress, clock = begun(stream, total=100)
    for _ in range(int(2 * SELDOM)):
        clock.time += 1.0
        progress.advance()
    lines = stream.getvalue().splitlines()
    assert [line.split(" of ")[0] for line in lines] == ["... 30", "... 60"]


def test_what_is_quick_is_silent() -> None:
    stream = io.StringIO()
    progress, clock = begun(stream, total=2)
    with progress:
        clock.time += SELDOM - 1.0
        progress.running("anything")
        progress.advance()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("width", [40, 60, 80])
def test_one_line_of_the_terminal_is_taken_and_given_back(width: int) -> None:
    stream = Terminal()
    progress, _ = begun(stream, total=2)
    progress._width = lambda: width
    progress.running("a measurement with a name that is longer than any terminal " * 3)
    shown = stream.getvalue().removeprefix("\r\x1b[2K")
    assert len(shown) == width - 1
    assert "\n" not in shown
    progress.clear()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_a_stream_that_cannot_be_written_ends_the_telling_alone() -> None:
    class Full(Terminal):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    progress, _ = begun(Full(), total=2)
    with progress:
        progress.advance()
    assert progress.done == 1
