"""The NTK of the committee machine by two statistics, and the spectrum of its lazy limit.

Everything is measured without the formulas: gradients by complex steps, averages over inputs and
over neurons by exact quadrature, eigenvalues as those of the operator on the quadrature's points.
Only the approach to infinite width is a simulation.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Committee, Setting
from theory.lazy_rich.committee import finite_width_kernel
from theory.lazy_rich.quadrature import Quadrature, gauss_hermite
from theory.lazy_rich.spectrum import LazyKernel, lazy_kernel
from verify.claims.base import Assertions, Bound, Claim, Ladder, RateSample, Rival
from verify.claims.fits import slope, slopes
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_statics import READOUTS, static_instances

ROUNDING: Final = 1e-10
"""Far above what float64 loses here (1e-13), far below every constant that is tested."""

COMPLEX_STEP: Final = 1e-30
PROBES: Final = 8
"""Inputs at which kernels of different widths are compared."""

NEURONS: Final = 2**15
WIDTHS: Final = (8, 32, 128, 512)
"""The same neurons are grouped into machines of each width: 4096 to 64 of them."""

_NEURONS_STREAM: Final = 10


@dataclass(frozen=True)
class Theory:
    """The claim in constants.

    Attributes:
        trained: factors of x.x', eps^2 (x.x')^2 and eps^2 |x|^2 |x'|^2 with trained readouts.
        curvature_power: of eps in the quadratic part.
        traceless_factor: of eps^2 / D^2 in the eigenvalue of traceless forms.
        radial_offset: the eigenvalue of |x|^2 has the factor (D + radial_offset) / D.
        traceless_missing: how many fewer traceless forms there are than D (D + 1) / 2.
        constants: constants are an eigenfunction.
        centred_length: |x|^2 - 1 is an eigenfunction.
        mean_weight: the NTK has its part linear in wbar.
        width_exponent: of the distance to the lazy limit.
        width_variance: of the squared distance times N, over the variance of one neuron's kernel.
    """

    trained: tuple[float, float, float] = (2.0, 1.5, 0.25)
    curvature_power: float = 2.0
    traceless_factor: float = 2.0
    radial_offset: float = 2.0
    traceless_missing: int = 1
    constants: bool = False
    centred_length: bool = False
    mean_weight: bool = True
    width_exponent: float = -0.5
    width_variance: float = 1.0

    def kernel(self, setting: Setting) -> tuple[float, float, float]:
        """Factors of x.x', (x.x')^2 and |x|^2 |x'|^2 in K0 N / alpha^2."""
        bent = setting.curvature**self.curvature_power
        factors = self.trained if setting.trained_readout else (1.0, 1.0, 0.0)
        return factors[0], bent * factors[1], bent * factors[2]

    def eigenvalues(self, setting: Setting) -> tuple[float, float, float]:
        """Of linear forms, traceless forms and |x|^2."""
        linear, squared, radial = self.kernel(setting)
        dimension = setting.input_dim
        growth = (dimension + self.radial_offset) / dimension
        return (
            linear / dimension,
            self.traceless_factor * squared / dimension**2,
            growth * (squared / dimension + radial),
        )


@dataclass(frozen=True, eq=False)
class Statics:
    """One machine and its lazy limit, measured.

    Attributes:
        setting: of the machine.
        predictor: relative error of the predictor from its two statistics.
        kernel: relative error of the NTK, against gradients by complex steps.
        without_mean: the same of the NTK without its part linear in wbar; zero if readouts train.
        limit: the averaged kernel of one neuron at the probes, shape `(P, P)`.
        features: x.x', (x.x')^2 and |x|^2 |x'|^2 at the probes.
        spectrum: all eigenvalues of the operator on the quadrature's points, rising.
        quotients: (<f, K0 f> / <f, f>) of one linear form, one traceless form and |x|^2.
        residuals: |K0 f - quotient f| / |K0 f| of the same.
        of_constants, of_centred: the same residual of 1 and of |x|^2 - 1.
        blind: |K0 f| / |f| of the combination of 1 and |x|^2 orthogonal to |x|^2.
        trace: E K0(x, x).
        distances: root mean square distance to the lazy limit at each width.
        variance: mean square distance of one neuron's kernel, exact.
    """

    setting: Setting
    predictor: float
    kernel: float
    without_mean: float
    limit: Floats
    features: Floats
    spectrum: Floats
    quotients: tuple[float, float, float]
    residuals: tuple[float, float, float]
    of_constants: float
    of_centred: float
    blind: float
    trace: float
    distances: Floats
    variance: float


def measure(instance: CommitteeInstance) -> Statics:
    setting = instance.setting
    net, inputs = setting.committee(), setting.inputs()
    lazy = lazy_kernel(setting.curvature, setting.trained_readout)
    gradients = _gradients(net, inputs)
    gram = gradients @ gradients.T
    without = 0.0
    if net.readout is None:
        without = _error(_without_mean(net, inputs), gram)
        stated = finite_width_kernel(net, inputs, inputs)
    else:
        stated = net.kernel(inputs)
    probes = replace(setting, samples=PROBES).inputs()
    limit, variance = _one_neuron(setting, probes)
    over = gauss_hermite(setting.input_dim, 3, 1.0 / setting.input_dim)
    operator = lazy(over.points)
    root = np.sqrt(over.weights)
    symmetric = root[:, None] * operator * root
    length = (over.points**2).sum(-1)
    first, second = over.points[:, 0], over.points[:, 1]
    spaces = [_quotient(over, operator, f) for f in (first, first * second, length)]
    differences = _quotient(over, operator, first**2 - second**2)
    return Statics(
        setting=setting,
        predictor=_error(net.form()(inputs), net.outputs(inputs)),
        kernel=_error(stated, gram),
        without_mean=without,
        limit=limit,
        features=_features(probes),
        spectrum=np.asarray(np.linalg.eigvalsh(symmetric), dtype=np.float64),
        quotients=(spaces[0][0], spaces[1][0], spaces[2][0]),
        residuals=(spaces[0][1], max(spaces[1][1], differences[1]), spaces[2][1]),
        of_constants=_quotient(over, operator, np.ones_like(length))[1],
        of_centred=_quotient(over, operator, length - 1.0)[1],
        blind=_blind(over, operator, length),
        trace=float(over.mean(np.diag(operator))),
        distances=_distances(setting, probes, lazy),
        variance=variance,
    )


def _error(value: Floats, exact: Floats) -> float:
    return float(np.linalg.norm(value - exact) / np.linalg.norm(exact))


def _gradients(net: Committee, inputs: Floats) -> Floats:
    """Gradients `(P, parameters)`; complex steps of a polynomial have no error of order h."""
    weights = net.weights.size
    count = weights + (0 if net.readout is None else net.width)
    steps = 1j * COMPLEX_STEP * np.eye(count)
    moved = net.weights + steps[:, :weights].reshape(count, *net.weights.shape)
    readout = None if net.readout is None else net.readout + steps[:, weights:]
    outputs = replace(net, weights=moved, readout=readout).outputs(inputs)
    gradients: Floats = outputs.imag.T / COMPLEX_STEP
    return gradients


def _without_mean(net: Committee, inputs: Floats) -> Floats:
    """The kernel of the machine and its mirror image -w_i together, whose mean weight is zero."""
    mirrored = replace(net, weights=np.concatenate([net.weights, -net.weights]))
    # twice the neurons halve alpha^2 / N
    return 2.0 * finite_width_kernel(mirrored, inputs, inputs)


def _features(inputs: Floats) -> Floats:
    kernels = (LazyKernel(1.0, 0.0, 0.0), LazyKernel(0.0, 1.0, 0.0), LazyKernel(0.0, 0.0, 1.0))
    return np.stack([kernel(inputs) for kernel in kernels])


def _one_neuron(setting: Setting, probes: Floats) -> tuple[Floats, float]:
    """Mean of the kernel of one random neuron, and its summed variance, by exact quadrature."""
    dimension, trained = setting.input_dim, setting.trained_readout
    over = gauss_hermite(dimension + trained, 5, 1.0)
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


def assertions(statics: Statics, theory: Theory) -> Assertions:
    setting = statics.setting
    dimension = setting.input_dim
    eigenvalues = theory.eigenvalues(setting)
    traceless = dimension * (dimension + 1) // 2 - theory.traceless_missing
    listed = np.repeat(eigenvalues, (dimension, traceless, 1))
    zeros = np.zeros(max(len(statics.spectrum) - len(listed), 0))
    expected = np.sort(np.concatenate([zeros, listed]))[-len(statics.spectrum) :]
    names = ("linear forms", "traceless forms", "|x|^2")
    kernel = statics.kernel if theory.mean_weight else statics.without_mean
    limit = np.tensordot(theory.kernel(setting), statics.features, 1)
    # K0 maps both to |x|^2, of whose square norm 1 + 2/D the part 1 is constant
    of_constants = 0.0 if theory.constants else np.sqrt(2.0 / (dimension + 2.0))
    of_centred = 0.0 if theory.centred_length else np.sqrt(dimension / (dimension + 2.0))
    bounds = (
        Bound("predictor from wbar and M", statics.predictor, ROUNDING),
        Bound("NTK from wbar and M", kernel, ROUNDING),
        Bound("kernel of one neuron, averaged", _error(limit, statics.limit), ROUNDING),
        *(
            Bound(f"eigenvalue of {name}", abs(found / value - 1.0), ROUNDING)
            for name, found, value in zip(names, statics.quotients, eigenvalues, strict=True)
        ),
        *(
            Bound(f"eigenfunctions, {name}", residual, ROUNDING)
            for name, residual in zip(names, statics.residuals, strict=True)
        ),
        Bound("all eigenvalues", _error(expected, statics.spectrum), ROUNDING),
        Bound("trace", abs(listed.sum() / statics.trace - 1.0), ROUNDING),
        Bound("constants", abs(statics.of_constants - of_constants), ROUNDING),
        Bound("|x|^2 - 1", abs(statics.of_centred - of_centred), ROUNDING),
        Bound("1 - D |x|^2 / (D + 2) is mapped to 0", statics.blind / statics.trace, ROUNDING),
    )
    fitted = slope(np.log(WIDTHS).tolist(), np.log(statics.distances).tolist())
    share = float(WIDTHS[0] * statics.distances[0] ** 2 / statics.variance)
    rates = (
        RateSample(
            "exponent of N in |K_N - K0|",
            theory.width_exponent,
            fitted,
            0.02,
            slopes(len(WIDTHS), resolved=False),
        ),
        RateSample(
            "N |K_N - K0|^2 / variance",
            theory.width_variance,
            share,
            0.05,
            f"the value at N = {WIDTHS[0]}",
        ),
    )
    return Assertions(bounds, rates)


def ladders(statics: Statics) -> tuple[Ladder, ...]:
    return (
        Ladder(
            "|K_N - K0|",
            "log10 of N",
            tuple(float(np.log10(width)) for width in WIDTHS),
            tuple(float(distance) for distance in statics.distances),
            tuple(float(np.sqrt(statics.variance / width)) for width in WIDTHS),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="ntk-spectrum",
    title="The lazy kernel knows linear forms, traceless quadratic forms and |x|^2",
    statement=(
        r"K_N = \tfrac{\alpha^2}{N} x\cdot x'\,[1 + \epsilon \bar w\cdot(x + x')"
        r" + \epsilon^2 x^\top M x'] \to \tfrac{\alpha^2}{N}[x\cdot x' + \epsilon^2 (x\cdot x')^2],"
        r"\quad \lambda = \tfrac1D,\ \tfrac{2\epsilon^2}{D^2},\ \tfrac{\epsilon^2 (D+2)}{D^2}"
    ),
    source=source_of("ntk-spectrum"),
    assumptions=(
        "quadratic activation",
        "x ~ N(0, I/D)",
        "weights from N(0, I), readouts fixed at 1 or from N(0, 1)",
    ),
    instances=static_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival(
            "centred-length",
            "|x|^2 - 1 is the radial eigenfunction",
            replace(_TRUE, centred_length=True),
        ),
        Rival("constants", "constants are an eigenfunction", replace(_TRUE, constants=True)),
        Rival(
            "no-factor-two",
            "traceless forms have the eigenvalue eps^2 / D^2",
            replace(_TRUE, traceless_factor=1.0),
        ),
        Rival(
            "large-dimension-radial",
            "|x|^2 has the eigenvalue eps^2 / D",
            replace(_TRUE, radial_offset=0.0),
        ),
        Rival("first-power", "eps in place of eps^2", replace(_TRUE, curvature_power=1.0)),
        Rival(
            "all-symmetric",
            "all D (D + 1) / 2 symmetric forms besides |x|^2",
            replace(_TRUE, traceless_missing=0),
        ),
        Rival(
            "readouts-do-not-matter",
            "trained readouts have the kernel of fixed ones",
            replace(_TRUE, trained=(1.0, 1.0, 0.0)),
        ),
        Rival(
            "readouts-without-radial",
            "trained readouts have no part |x|^2 |x'|^2",
            replace(_TRUE, trained=(2.0, 1.5, 0.0)),
        ),
        Rival(
            "no-mean-weight",
            "the NTK depends on M alone",
            replace(_TRUE, mean_weight=False),
        ),
        Rival(
            "inverse-width",
            "the distance to the lazy kernel falls like 1/N",
            replace(_TRUE, width_exponent=-1.0),
        ),
        Rival(
            "half-variance",
            "half the variance of one neuron's kernel over N",
            replace(_TRUE, width_variance=0.5),
        ),
    ),
    tolerances=(
        f"identities: {ROUNDING:g} relative; quadrature and float64 lose less than 1e-13",
        "exponent of the width: 0.02; over instances the fitted ones spread by 0.016 (standard "
        "deviation), from 64 machines at the largest width",
        "variance: 5 %; over instances of 4096 machines of 8 neurons it spreads by 2 to 5 %",
    ),
    ladders=ladders,
    families=READOUTS,
    kind=CommitteeInstance,
)
