"""What f may be predicted to be on the inputs of a ladder: the linearised flow, or a wrong machine.

Each gives one array per rung.
"""

from collections.abc import Callable

import numpy as np

from theory.backend import Floats
from theory.kernel import max_margin
from verify.claims.early_late.kernel_machines import Kernel, features_of_kernel
from verify.claims.regression.kernel_flows import KernelFlows

Predictor = Callable[[KernelFlows], list[Floats]]


def linearised(flows: KernelFlows) -> list[Floats]:
    """Kernel regression at the anchor, with the ridge of weight decay."""
    return [machine.outputs(flows.inputs) for machine in flows.linearised]


def least_norm(flows: KernelFlows, kernel: Kernel) -> list[Floats]:
    """The minimum-norm interpolator with another kernel; see `features_of_kernel`."""
    train, everywhere = _features(flows, kernel)
    weights = np.linalg.lstsq(train, flows.problem.labels, rcond=None)[0]
    return [everywhere @ weights] * len(flows.rungs)


def with_fixed_ridge(flows: KernelFlows) -> list[Floats]:
    """Ridge regression with a tenth of the kernel's mean eigenvalue."""
    train, everywhere = _features(flows, Kernel.NTK)
    kernel = train @ train.T
    ridge = 0.1 * float(np.trace(kernel)) / len(kernel)
    dual = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), flows.problem.labels)
    return [everywhere @ (train.T @ dual)] * len(flows.rungs)


def largest_margin(flows: KernelFlows) -> list[Floats]:
    """Least norm subject to y_i f_i >= y_i^2."""
    train, everywhere = _features(flows, Kernel.NTK)
    weights = max_margin(train / flows.problem.labels[:, None]).weights
    return [everywhere @ weights] * len(flows.rungs)


def _features(flows: KernelFlows, kernel: Kernel) -> tuple[Floats, Floats]:
    """On the training inputs; on all inputs."""
    train, test = features_of_kernel(flows.problem, flows.probes, kernel)
    return train, np.concatenate([train, test])
