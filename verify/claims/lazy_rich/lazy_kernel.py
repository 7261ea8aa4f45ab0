"""The NTK of a committee machine and of its lazy limit, measured without their formulas.

Gradients come from complex steps, averages over inputs and over neurons from exact quadrature,
eigenvalues from the operator on the quadrature's points. Only the approach to infinite width is a
simulation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from theory.backend import Array, Floats
from theory.lazy_rich import Committee, Setting
from theory.lazy_rich.committee import finite_width_kernel
from theory.lazy_rich.quadrature import Quadrature, gauss_hermite
from theory.lazy_rich.spectrum import LazyKernel, lazy_kernel
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words, observed_elsewhere
from verify.strategies.committee_statics import READOUTS, static_instances

LOST: Final = 1e-12
"""What float64 loses of kernels and eigenvalues, relative; measured below 1e-13."""

COMPLEX_STEP: Final = 1e-30
PROBES: Final = 8
"""Inputs at which kernels of different widths are compared."""

NEURONS: Final = 2**15
WIDTHS: Final = (8, 32, 128, 512)
"""The same neurons are grouped into machines of each width: 4096 to 64 of them."""

FUNCTIONS: Final[tuple[Callable[[Floats], Floats], ...]] = (
    lambda x: x[:, 0],
    lambda x: x[:, 0] * x[:, 1],
    lambda x: x[:, 0] ** 2 - x[:, 1] ** 2,
    lambda x: (x**2).sum(-1),
    lambda x: np.ones(len(x)),
    lambda x: (x**2).sum(-1) - 1.0,
)
"""A linear form, two traceless forms, |x|^2, and what are no eigenfunctions: 1 and |x|^2 - 1."""

_NEURONS_STREAM: Final = 10


@dataclass(frozen=True, eq=False)
class Kernels:
    """One machine and its lazy limit.

    Attributes:
        setting: of the machine.
        outputs: at its inputs, `(P,)`; `formed` are those of its quadratic form.
        gram: the NTK from gradients, `(P, P)`.
        stated: the NTK from wbar and M, or by its definition where readouts train; `mirrored` is
            the same of the machine and its mirror image together, whose mean weight is zero.
        limit: the averaged kernel of one neuron at the probes, `(PROBES, PROBES)`.
        features: x.x', (x.x')^2 and |x|^2 |x'|^2 at the probes.
        spectrum: all eigenvalues of the operator on the quadrature's points, rising.
        quotients: <f, K0 f> / <f, f> of `FUNCTIONS`, `(6,)`; `residuals` is
            |K0 f - quotient f| / |K0 f|.
        blind: |K0 f| / |f| of the combination of 1 and |x|^2 orthogonal to |x|^2.
        trace: E K0(x, x).
        distances: root mean square distance to the lazy limit at each of `WIDTHS`.
        variance: mean square distance of one neuron's kernel, exact.
    """

    setting: Setting
    outputs: Floats
    formed: Floats
    gram: Floats
    stated: Floats
    mirrored: Floats
    limit: Floats
    features: Floats
    spectrum: Floats
    quotients: Floats
    residuals: Floats
    blind: float
    trace: float
    distances: Floats
    variance: float


def distance(value: Floats, exact: Floats) -> Quantity:
    """|value - exact| / |exact|, with what float64 loses."""
    return Quantity.of(np.linalg.norm(value - exact) / np.linalg.norm(exact), LOST)


def measure(
    instance: CommitteeInstance,
    order: int = 3,
    gradients: Callable[[Committee, Floats], Floats] | None = None,
) -> Kernels:
    """The kernels by quadrature of an order, 3 at least, and gradients `(P, parameters)`."""
    setting = instance.setting
    net, inputs = setting.committee(), setting.inputs()
    lazy = lazy_kernel(setting.curvature, setting.trained_readout)
    steps = (gradients or complex_steps)(net, inputs)
    known = net.kernel(inputs) if net.readout is not None else None
    probes = replace(setting, samples=PROBES).inputs()
    limit, variance = _one_neuron(setting, probes, order + 2)
    over = gauss_hermite(setting.input_dim, order, 1.0 / setting.input_dim)
    operator, root = lazy(over.points), np.sqrt(over.weights)
    length = (over.points**2).sum(-1)
    pairs = [_quotient(over, operator, function(over.points)) for function in FUNCTIONS]
    return Kernels(
        setting=setting,
        outputs=net.outputs(inputs),
        formed=net.form()(inputs),
        gram=steps @ steps.T,
        stated=finite_width_kernel(net, inputs, inputs) if known is None else known,
        mirrored=without_mean(net, inputs) if known is None else known,
        limit=limit,
        features=_features(probes),
        spectrum=np.asarray(np.linalg.eigvalsh(root[:, None] * operator * root), dtype=float),
        quotients=np.array([quotient for quotient, _ in pairs]),
        residuals=np.array([residual for _, residual in pairs]),
        blind=_blind(over, operator, length),
        trace=float(over.mean(np.diag(operator))),
        distances=_distances(setting, probes, lazy),
        variance=variance,
    )


def _moved(net: Committee, steps: Array) -> Committee:
    """The machine with parameters moved along each of `steps`, `(k, parameters)`."""
    weights = net.weights.size
    moved = net.weights + steps[:, :weights].reshape(len(steps), *net.weights.shape)
    readout = None if net.readout is None else net.readout + steps[:, weights:]
    return replace(net, weights=moved, readout=readout)


def _parameters(net: Committee) -> int:
    return int(net.weights.size) + (0 if net.readout is None else net.width)


def complex_steps(net: Committee, inputs: Floats) -> Floats:
    """Gradients `(P, parameters)`; complex steps of a polynomial have no error of order h."""
    outputs = _moved(net, 1j * COMPLEX_STEP * np.eye(_parameters(net))).outputs(inputs)
    gradients: Floats = outputs.imag.T / COMPLEX_STEP
    return gradients


def central_differences(net: Committee, inputs: Floats) -> Floats:
    """The same by steps of 1: f is at most quadratic in each parameter, so they are exact."""
    unit = np.eye(_parameters(net))
    found = (_moved(net, sign * unit).outputs(inputs) for sign in (1.0, -1.0))
    gradients: Floats = 0.5 * (next(found) - next(found)).T
    return gradients


def without_mean(net: Committee, inputs: Floats) -> Floats:
    """The kernel of the machine and its mirror image -w_i together, whose mean weight is zero."""
    mirrored = replace(net, weights=np.concatenate([net.weights, -net.weights]))
    # twice the neurons halve alpha^2 / N
    return 2.0 * finite_width_kernel(mirrored, inputs, inputs)


def _features(inputs: Floats) -> Floats:
    kernels = (LazyKernel(1.0, 0.0, 0.0), LazyKernel(0.0, 1.0, 0.0), LazyKernel(0.0, 0.0, 1.0))
    return np.stack([kernel(inputs) for kernel in kernels])


def _one_neuron(setting: Setting, probes: Floats, order: int) -> tuple[Floats, float]:
    """Mean of the kernel of one random neuron, and its summed variance, by exact quadrature."""
    dimension, trained = setting.input_dim, setting.trained_readout
    over = gauss_hermite(dimension + trained, order, 1.0)
    readout = over.points[:, dimension:] if trained else None
    neurons = Committee(over.points[:, None, :dimension], 1.0, setting.curvature, readout)
    kernels = neurons.kernel(probes)
    mean = np.tensordot(over.weights, kernels, 1)
    return mean, float(over.weights @ ((kernels - mean) ** 2).sum((-2, -1)))


def _quotient(over: Quadrature, operator: Floats, function: Floats) -> tuple[float, float]:
    """Rayleigh quotient of a function, and how much of its image lies elsewhere."""
    image = over.mean(operator * function)
    quotient = over.mean(function * image) / over.mean(function**2)
    elsewhere = over.mean((image - quotient * function) ** 2)
    return float(quotient), float(np.sqrt(elsewhere / over.mean(image**2)))


def _blind(over: Quadrature, operator: Floats, length: Floats) -> float:
    function = 1.0 - over.mean(length) / over.mean(length**2) * length
    image = over.mean(operator * function)
    return float(np.sqrt(over.mean(image**2) / over.mean(function**2)))


def _distances(setting: Setting, probes: Floats, lazy: LazyKernel) -> Floats:
    """Root mean square distance of kernels to the lazy one, at each of `WIDTHS`."""
    rng = setting.random(_NEURONS_STREAM)
    weights = rng.standard_normal((NEURONS, 1, setting.input_dim))
    readout = rng.standard_normal((NEURONS, 1)) if setting.trained_readout else None
    single = Committee(weights, 1.0, setting.curvature, readout).kernel(probes) - lazy(probes)
    grouped = (single.reshape(-1, width, *single.shape[1:]).mean(1) for width in WIDTHS)
    distances: Floats = np.sqrt([np.mean((kernels**2).sum((-2, -1))) for kernels in grouped])
    return distances


def _bent(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(curvature=1.1 * instance.setting.curvature)


LAZY_KERNEL = Measurement(
    "lazy-kernel",
    CommitteeInstance,
    READOUTS,
    static_instances,
    measure,
    in_words(
        "quadratic activation",
        "x ~ N(0, I/D)",
        "weights from N(0, I), readouts fixed at 1 or from N(0, 1)",
    ),
    sabotaged={
        "eps 10 % larger": observed_elsewhere(
            measure, _bent, "outputs", "gram", "limit", "spectrum", "quotients", "trace"
        ),
        "distances at eps 10 % larger": observed_elsewhere(measure, _bent, "distances"),
    },
    independent=lambda instance: measure(instance, 4, central_differences),
)
