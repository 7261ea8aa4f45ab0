"""`TwoLayer(width, input_dim, "square")` as a user writes it, in torch."""

from dataclasses import dataclass
from typing import Any

from theory.nets import HomogeneousNet


@dataclass(frozen=True)
class OwnTwoLayer(HomogeneousNet):
    """sum_k a_k (w_k . x)^2."""

    width: int
    input_dim: int

    degree = 3

    def forward(self, theta: Any, inputs: Any) -> Any:
        hidden = inputs @ theta[self.width :].reshape(self.width, self.input_dim).T
        return hidden**2 @ theta[: self.width]
