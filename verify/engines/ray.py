"""The Ray cluster of RAY_ADDRESS, else one on this machine."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from theory.errors import InvalidInput
from verify.engines.base import RETRIES, Engine, Lost, Work, elsewhere
from verify.shards import missing, suite_fingerprint


@contextmanager
def ray_cluster(jobs: int) -> Iterator[Engine]:
    """The cluster of RAY_ADDRESS, else one of so many processes here."""
    try:
        import ray
    except ImportError:
        raise InvalidInput(
            "engine is ray; it needs Ray: pip install 'theory-verify[ray]'"
        ) from None
    address = os.environ.get("RAY_ADDRESS")
    here: dict[str, Any] = {} if address else {"num_cpus": jobs, "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            f"engine is ray; {address or 'a cluster'} cannot be reached ({reason})"
        ) from None
    try:
        yield _Ray(ray, suite_fingerprint() if address else None)
    finally:
        ray.shutdown()


class _Ray:
    """A Ray cluster; it runs the tasks of lost workers again."""

    def __init__(self, ray: Any, code: str | None) -> None:
        self.workers = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._ray, self._code = ray, code

    def results(self, tasks: Sequence[Any], work: Work, lost: Lost = missing) -> Iterator[Any]:
        ray = self._ray
        run = ray.remote(num_cpus=1, max_retries=RETRIES)(elsewhere)
        task_of = {run.remote(work, self._code, task): task for task in tasks}
        while task_of:
            (ready,), _ = ray.wait(list(task_of), num_returns=1)
            task = task_of.pop(ready)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError:
                yield lost(task)
