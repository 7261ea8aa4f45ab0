"""What a gradient flow keeps because its net can be rescaled: balance of layers, of neurons."""

from theory.conservation.count import (
    conserved_count,
    generated_algebra,
    missing_dimensions,
    pseudo_orthogonal,
)
from theory.conservation.layers import (
    LayerTask,
    balance,
    balance_after_step,
    descent,
    drift_coefficient,
    layer_flow,
)
from theory.conservation.neurons import NeuronTask, neuron_balance, neuron_flow

__all__ = [
    "LayerTask",
    "NeuronTask",
    "balance",
    "balance_after_step",
    "conserved_count",
    "descent",
    "drift_coefficient",
    "generated_algebra",
    "layer_flow",
    "missing_dimensions",
    "neuron_balance",
    "neuron_flow",
    "pseudo_orthogonal",
]
