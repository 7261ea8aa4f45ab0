"""Progress on stderr: what is done, what runs now, and when it will have ended.

On a terminal one line, drawn anew each second. Elsewhere a line now and then: none in the first
half minute, so that what is quick stays quiet.
"""

import sys
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

from verify.report.words import duration

EVERY = 1.0
"""Seconds between two drawings of the line on a terminal."""

SELDOM = 30.0
"""Seconds between two lines where there is no terminal."""

FIRST = 0.05
"""Share of the work that tells its speed."""

_CLEAR = "\r\x1b[2K"


class Progress:
    """A context in which one line tells how far the work is.

    Args:
        noun: what is counted, in the plural.
        total: how many there are, where that is known.
        done: of these, how many were done before and so tell nothing of the speed.
        seconds: a budget, by which the end is known instead.
        width: columns of the terminal.
    """

    def __init__(
        self,
        noun: str,
        total: int | None = None,
        done: int = 0,
        *,
        seconds: float | None = None,
        stream: TextIO | None = None,
        width: Callable[[], int] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.noun, self.total, self.done = noun, total, done
        self._resumed, self._seconds = done, seconds
        self._stream, self._clock = stream or sys.stderr, clock
        self._terminal = self._stream.isatty()
        self._width = width or _columns
        self._start = self._told = clock()
        self._now = ""
        self._shown = False
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._ended.clear()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
        self.clear()

    def running(self, what: str) -> None:
        """Say what runs from now on."""
        with self._lock:
            self._now = what
        self.draw()

    def reached(self, done: int, total: int | None = None) -> None:
        """So many are done; the total may have grown."""
        with self._lock:
            self.done = done
            self.total = self.total if total is None else total
        self.draw()

    def step(self, done: int, total: int, what: str) -> None:
        """So many of so many are done, and this runs from now on."""
        with self._lock:
            self.done, self.total, self._now = done, total, what
        self.draw()

    def advance(self) -> None:
        """One more is done."""
        self.reached(self.done + 1)

    def clear(self) -> None:
        """Take the line off the terminal, before something else is printed."""
        with self._lock:
            if self._shown:
                self._write(_CLEAR)
            self._shown = False

    def draw(self) -> None:
        """Show the line, where it is due."""
        with self._lock:
            if self._terminal:
                self._write(_CLEAR + self.line()[: max(self._width() - 1, 1)])
                self._shown = True
            elif self._clock() - self._told >= SELDOM:
                self._told = self._clock()
                self._write(f"... {self.line()}\n")

    def line(self) -> str:
        """ "12 of 48 shards, 1 min 20 s, about 4 min 0 s left; now kernel-phase on deep"."""
        elapsed = self._clock() - self._start
        count = f"{self.done} {self.noun}"
        if self.total is not None:
            count = f"{self.done} of {self.total} {self.noun}"
        left = self._left(elapsed)
        parts = [count, duration(float(round(elapsed)))]
        if left is not None:
            parts.append(f"about {duration(float(round(left)))} left")
        told = ", ".join(parts)
        return f"{told}; now {self._now}" if self._now else told

    def _left(self, elapsed: float) -> float | None:
        """Seconds to the end, of the budget or at the speed so far; None before that is known.

        The first of many compile what the others find ready.
        """
        if self._seconds is not None:
            return max(self._seconds - elapsed, 0.0)
        new = self.done - self._resumed
        if self.total is None or new < max(1.0, FIRST * (self.total - self._resumed)):
            return None
        return elapsed * max(self.total - self.done, 0) / new

    def _tick(self) -> None:
        while not self._ended.wait(EVERY):
            self.draw()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads it any more
            self._ended.set()


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns
