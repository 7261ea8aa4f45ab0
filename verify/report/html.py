"""index.html: the run as one self-contained page."""

from dataclasses import dataclass
from pathlib import Path

from verify.atomic import write_text
from verify.events import Event, RunFinished


@dataclass(frozen=True)
class HtmlReport:
    """Listener that writes `folder`/index.html."""

    folder: Path

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            write_text(self.folder / "index.html", "")
