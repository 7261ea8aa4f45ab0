"""Addition mod 23 on 90 % of the pairs: a quadratic net that groks without weight decay.

Full-batch gradient descent of the mean squared error to one-hot labels, as in Kumar et al. (ICLR
2024). Training accuracy is 1 while test accuracy is still that of chance.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from nets import MODULUS, Addition

from verify.diagnose import Recorder

RATE = 2000.0


def train(folder: Path, steps: int = 3000, checkpoints: int = 12, share: float = 0.9) -> None:
    """Train on a share of the pairs for so many steps, with checkpoints evenly spaced in them."""
    # the mean is over samples and outputs, the loss of `diagnose` a sum over outputs, and halved
    recorder = Recorder(folder, every=max(1, steps // checkpoints), step_size=2.0 * RATE / MODULUS)
    pairs = np.random.default_rng(0).permutation(MODULUS**2)
    first, second = np.divmod(pairs, MODULUS)
    unit = np.eye(MODULUS)
    inputs = np.concatenate([unit[first], unit[second]], axis=1)
    labels = (first + second) % MODULUS
    seen = round(share * len(pairs))
    np.savez(folder / "train.npz", inputs=inputs[:seen], labels=labels[:seen])
    np.savez(folder / "test.npz", inputs=inputs[seen:], labels=labels[seen:])
    torch.manual_seed(0)
    model = Addition()
    x = torch.tensor(inputs[:seen], dtype=torch.float32)
    targets = torch.tensor(unit[labels[:seen]], dtype=torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for step in range(steps + 1):
        recorder(step, model)
        optimizer.zero_grad()
        (model(x) - targets).square().mean().backward()
        optimizer.step()


if __name__ == "__main__":
    train(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/addition"))
