"""A headless browser driven through a pipe, and where its pictures of the pages are kept."""

import base64
import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

import pytest

from verify.runner import RunPlan, run

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 120.0
"""Seconds for one answer: machines that run tests are busy."""


class Browser:
    """Chromium under the DevTools protocol: commands on descriptor 3, answers on 4, NUL between."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def connect() -> None:
            # both may already be 3 or 4: out of the way first
            moved = [os.dup(theirs_in), os.dup(theirs_out)]
            high = [os.dup2(fd, number) for fd, number in zip(moved, (50, 51), strict=True)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str | None = None
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; its answer. Events on the way are kept in `events`."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        deadline = monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select([self._in], [], [], max(deadline - monotonic(), 0.0))
            assert ready, "the browser does not answer"
            received = os.read(self._in, 1 << 20)
            assert received, "the browser has ended"
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))

    def open(self, page: Path, width: int, height: int = 900) -> None:
        """Load a page in a window of that width and wait until it is laid out."""
        self.events.clear()
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.send("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def requested(self) -> list[str]:
        """Every address asked for since the page was opened."""
        sent = (e for e in self.events if e.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """Exceptions, console messages and log entries since the page was opened."""
        methods = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in methods]

    def screenshot(self, path: Path, longest: int) -> None:
        """The page as PNG, the first `longest` pixels of it."""
        # what is out of sight is laid out late, and would be missing
        style = "<style>.claim { content-visibility: visible !important }</style>"
        self.evaluate(f"document.head.insertAdjacentHTML('beforeend', {json.dumps(style)})")
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "scale": 1}
        clip["height"] = min(size["height"], longest)
        data = self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )
        path.write_bytes(base64.b64decode(data["data"]))

    def print(self, path: Path) -> None:
        """The page as PDF, A4, without the colours of backgrounds, as browsers print."""
        data = self.send(
            "Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False
        )
        path.write_bytes(base64.b64decode(data["data"]))

    def close(self) -> None:
        with suppress(OSError, AssertionError):
            self._session = None
            self.send("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no browser: neither chromium nor google-chrome is installed")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Where pictures are kept: the folder that VERIFY_ARTIFACTS names, or a temporary one."""
    folder = Path(os.environ.get("VERIFY_ARTIFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


_RAN: list[dict[str, Any]] = []


@pytest.fixture
def ran(tiny_claim: Callable[..., Any], plan: Callable[..., RunPlan]) -> dict[str, Any]:
    """The results of a run in which one claim holds, one falls, and one falls as expected."""
    claims = (
        tiny_claim(),
        tiny_claim(limit=3.0, name="fallen", rivals={"blind": 1000.0}),
        tiny_claim(limit=3.0, name="refuted", expected="falsified"),
    )
    if not _RAN:
        _RAN.append(run(plan(*claims, examples=12), ()).to_json())
    return copy.deepcopy(_RAN[0])
