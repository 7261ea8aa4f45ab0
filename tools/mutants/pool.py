"""Workspaces side by side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from tools.mutants.trial import Workspace

Spread = Callable[[Callable[[Workspace, Any], None], Sequence[Any]], None]


@contextmanager
def pool(jobs: int) -> Iterator[Spread]:
    """A function that does a task for each item, each in a workspace that is free.

    It raises what the first failing task raised, and begins no further one then.
    """
    with TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(jobs) as threads:
        free: SimpleQueue[Workspace] = SimpleQueue()
        for index in range(jobs):
            free.put(Workspace(Path(folder) / str(index)))

        def spread(task: Callable[[Workspace, Any], None], items: Sequence[Any]) -> None:
            def one(item: Any) -> None:
                workspace = free.get()
                try:
                    task(workspace, item)
                finally:
                    free.put(workspace)

            begun = [threads.submit(one, item) for item in items]
            try:
                for future in begun:
                    future.result()
            finally:
                for future in begun:
                    future.cancel()

        yield spread
