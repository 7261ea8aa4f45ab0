"""Handwritten digits of scikit-learn by rectifiers: odd or even with one output, and ten classes.

Full-batch gradient descent without weight decay, in float32, by torch as anyone would write it.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from nets import digits, parity
from sklearn.datasets import load_digits

from verify.diagnose import Recorder


def train(folder: Path, classes: int = 2, samples: int = 300, steps: int = 4096) -> None:
    """Train `parity` or `digits`, with checkpoints at 0 and powers of four."""
    rate = 0.5
    recorder = Recorder(folder, step_size=rate)
    images, target = load_digits(return_X_y=True)
    labels = target if classes == 10 else np.where(target % 2 == 1, 1.0, -1.0)
    for name, part in (("train", slice(samples)), ("test", slice(samples, None))):
        np.savez(folder / f"{name}.npz", inputs=images[part] / 16.0, labels=labels[part])
    torch.manual_seed(0)
    model = digits() if classes == 10 else parity()
    x = torch.tensor(images[:samples] / 16.0, dtype=torch.float32)
    y = torch.tensor(labels[:samples])
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for step in range(steps + 1):
        if step == 0 or (step.bit_count() == 1 and step.bit_length() % 2):
            recorder(step, model)
        optimizer.zero_grad()
        outputs = model(x)
        if classes == 10:
            loss = torch.nn.functional.cross_entropy(outputs, y)
        else:
            loss = torch.nn.functional.softplus(-y * outputs[:, 0]).mean()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    train(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/digits"), chosen)
