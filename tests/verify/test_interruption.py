"""kill -9 at random moments: no file is ever half there, and little work is ever lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLAIMS = ("loss-decomposition", "laziness-equivalence")
"""Cheap ones: a kill then falls into starting, measuring, judging or writing."""

EXAMPLES = 96


def command(folder: Path, jobs: int) -> list[str]:
    claims = [word for name in CLAIMS for word in ("--claim", name)]
    sizes = ["--examples", str(EXAMPLES), "--jobs", str(jobs), "--report", str(folder)]
    return [sys.executable, "-m", "verify", "run", *claims, *sizes]


def start(folder: Path, jobs: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(folder, jobs), cwd=folder.parent, env=environment, stdout=subprocess.PIPE, text=True
    )


def output(process: subprocess.Popen[str]) -> str:
    """What it has printed, to its end; it must end as expected."""
    text, _ = process.communicate(timeout=600)
    assert process.returncode == 0, text
    return text


def results(folder: Path) -> Any:
    """Strict JSON, times and the command left out."""
    data = json.loads((folder / "results.json").read_text(), parse_constant=pytest.fail)
    del data["command"]
    return timeless(data)


def timeless(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key != "seconds"}
    return [timeless(value) for value in data] if isinstance(data, list) else data


def finished_shards(folder: Path) -> set[str]:
    """Files of finished shards, each of them whole."""
    found = [path for path in (folder / "unfinished").rglob("*.json") if path.name[0] != "."]
    for path in found:
        json.loads(path.read_text())
    return {path.name for path in found}


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Its descendants, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = [pid for pid, parent in parents.items() if parent == process.pid]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def killed_and_resumed(folder: Path, jobs: int, kills: int, wanted: Any, whole: float) -> None:
    """Kill a run at random moments of what it takes whole, until so often; then let it end."""
    moments = random.Random(17 * jobs)
    done: set[str] = set()
    log = []
    for _ in range(kills):
        process = start(folder, jobs)
        time.sleep(moments.uniform(0.0, 0.9 * whole))
        children = workers_of(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0)
        if (folder / "results.json").exists():
            assert results(folder) == wanted
        found = finished_shards(folder)
        # a run that reached its end has removed its shards, with the results in their place
        assert done <= found or (folder / "results.json").exists()
        log.append((len(found), len(found) - len(done)))
        done = found
        deadline = time.monotonic() + 20.0
        while any(map(alive, children)):
            assert time.monotonic() < deadline, "workers outlive the run that was killed"
            time.sleep(0.1)
    text = output(start(folder, jobs))
    assert results(folder) == wanted
    if done:
        assert f"resuming: {len(done)} of" in text  # no finished shard is lost
    assert not (folder / "unfinished").exists()
    print(f"{jobs} worker(s): shards (finished, new) after each kill {log}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see the workers")
@pytest.mark.parametrize(("jobs", "kills"), [(1, 10), (2, 10)])
def test_run_killed_at_random_moments(jobs: int, kills: int, tmp_path: Path) -> None:
    begin = time.monotonic()
    output(start(tmp_path / "whole", 1))
    whole = time.monotonic() - begin
    wanted = results(tmp_path / "whole")
    killed_and_resumed(tmp_path / "killed", jobs, kills, wanted, whole)
