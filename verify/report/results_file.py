"""results.json, written whole when the run ends."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.atomic import write_json
from verify.events import Event, RunFinished


@dataclass(frozen=True)
class ResultsFile:
    """Listener that writes `folder`/results.json."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.write(event.data)

    def write(self, results: dict[str, Any]) -> None:
        write_json(self.folder / "results.json", results)
