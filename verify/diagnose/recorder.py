"""A callback that keeps the weights of a training run for `diagnose`; it needs plain torch only."""

import io
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.atomic import make_folder, write_bytes


class Recorder:
    """`recorder(step, model)` writes `step-000000123.pt`, whole or not at all.

    Args:
        folder: of the checkpoints.
        every: steps that are no multiple of it are passed over; 0 is kept always.
        step_size: the learning rate, where it is constant: time is then kept as well.
    """

    def __init__(self, folder: Path | str, every: int = 1, step_size: float | None = None) -> None:
        if not isinstance(every, int) or every < 1:
            raise InvalidInput(f"every is {every!r}; it must be a whole number of at least 1")
        if step_size is not None and not step_size > 0:
            raise InvalidInput(f"step_size is {step_size!r}; it must be positive")
        self.folder, self.every, self.step_size = Path(folder), every, step_size
        make_folder(self.folder)

    def __call__(self, step: int, model: Any, time: float | None = None) -> Path | None:
        """Keep the state of a `torch.nn.Module` after `step` steps; the file, or None.

        Args:
            time: the sum of learning rates until then, where they vary.
        """
        import torch

        if step % self.every:
            return None
        if time is None and self.step_size is not None:
            time = step * self.step_size
        weights = {key: value.detach().cpu() for key, value in model.state_dict().items()}
        held = {"state_dict": weights, "step": int(step)}
        if time is not None:
            held["time"] = float(time)
        stream = io.BytesIO()
        torch.save(held, stream)
        path = self.folder / f"step-{step:09d}.pt"
        write_bytes(path, stream.getvalue())
        return path

    @property
    def checkpoints(self) -> list[Path]:
        """The files so far, in order of steps."""
        return sorted(self.folder.glob("step-*.pt"))
