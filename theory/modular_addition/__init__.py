"""Addition mod p by a quadratic net: worse than chance as a kernel machine, exact at max margin."""

from theory.modular_addition.closed_form import (
    FEWEST_PHASES,
    Phases,
    closed_form_net,
    exact_outputs,
    neurons_of,
    three_neuron_margin,
    three_neuron_net,
    uniform_multiplier_residual,
)
from theory.modular_addition.data import (
    addition_problem,
    all_pairs,
    classes_ahead,
    lead,
    one_hot,
    quadratic_net,
    split_pairs,
    sums,
)
from theory.modular_addition.kernel_machine import (
    AdditionMachine,
    PairKernel,
    addition_machine,
    symmetric_anchor,
    symmetric_kernel,
    wide_kernel,
)
from theory.modular_addition.margins import (
    ascended_neuron,
    effective_neurons,
    largest_margin,
    largest_neuron_margin,
    neuron_margins,
    neuron_norms,
    normalised_margin,
)
from theory.modular_addition.ten_neurons import ten_neuron_net

__all__ = [
    "FEWEST_PHASES",
    "AdditionMachine",
    "PairKernel",
    "Phases",
    "addition_machine",
    "addition_problem",
    "all_pairs",
    "ascended_neuron",
    "classes_ahead",
    "closed_form_net",
    "effective_neurons",
    "exact_outputs",
    "largest_margin",
    "largest_neuron_margin",
    "lead",
    "neuron_margins",
    "neuron_norms",
    "neurons_of",
    "normalised_margin",
    "one_hot",
    "quadratic_net",
    "split_pairs",
    "sums",
    "symmetric_anchor",
    "symmetric_kernel",
    "ten_neuron_net",
    "three_neuron_margin",
    "three_neuron_net",
    "uniform_multiplier_residual",
    "wide_kernel",
]
