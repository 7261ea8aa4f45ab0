"""What the papers say about training dynamics, as code: nets, flows, kernel machines, margins.

Pure mathematics: no files, no test framework, nothing known of claims or reports.
"""

from theory.anchors import (
    balanced_anchor,
    difference_anchor,
    rescaled_difference_anchor,
    zero_readout_anchor,
)
from theory.assumptions import check_assumptions
from theory.errors import (
    AssumptionError,
    IntegrationFailed,
    IntegratorsDisagree,
    InvalidInput,
    NumericalFailure,
    OracleFailed,
)
from theory.flow import (
    BatchTrajectory,
    FlowState,
    Trajectory,
    gradient_flow,
    gradient_flow_batch,
)
from theory.kernel import KernelSVM, LazyFlow, kernel_svm, lazy_flow, quasi_static_dual
from theory.margin import ClarkeResidual, KKTResidual, clarke_residual, kkt_residual
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU
from theory.nets.module import TorchModule, module_net
from theory.problem import Problem, Regime

__all__ = [
    "AssumptionError",
    "BatchTrajectory",
    "ClarkeResidual",
    "Deep",
    "Diagonal",
    "Factorization",
    "FlowState",
    "HomogeneousNet",
    "IntegrationFailed",
    "IntegratorsDisagree",
    "InvalidInput",
    "KKTResidual",
    "KernelSVM",
    "LazyFlow",
    "NumericalFailure",
    "OracleFailed",
    "Problem",
    "Regime",
    "TorchModule",
    "Trajectory",
    "TwoLayer",
    "TwoLayerReLU",
    "balanced_anchor",
    "check_assumptions",
    "clarke_residual",
    "difference_anchor",
    "gradient_flow",
    "gradient_flow_batch",
    "kernel_svm",
    "kkt_residual",
    "lazy_flow",
    "module_net",
    "quasi_static_dual",
    "rescaled_difference_anchor",
    "zero_readout_anchor",
]
