"""What a gradient flow keeps because its net can be rescaled: balance of layers, of neurons."""

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
    "descent",
    "drift_coefficient",
    "layer_flow",
    "neuron_balance",
    "neuron_flow",
]
