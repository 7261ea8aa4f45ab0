"""Test losses of kernel regression by the number of samples, with K0 and with finite NTKs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from scipy.linalg import lstsq

from theory.backend import Floats
from theory.lazy_rich import Linearisation, QuadraticForm, Setting
from theory.lazy_rich.hard_tasks import least_norm_form, monomials, samples_for_all
from theory.lazy_rich.linearised import RANK_TOLERANCE
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words
from verify.strategies.committee_training import counted_instances

AMPLIFIED = 4.0 * np.finfo(np.float64).eps
"""Times a condition number, the share of a predictor that rounding puts off; at most a sixth of it
over 96 instances."""

MACHINES, NEXT_SEED = 3, 10_000
"""An NTK of width D misses one direction, (u.x)^2 and u.x with W'u = (1, ..., 1). Where W is nearly
singular u is long, and what is left of the target is of order four in its cosine with u: less than
a share x with a chance like x^(1/4), 8e-4 for 1e-14 at D = 16 (of 2500 seeds)."""

Regression = Callable[[Setting], QuadraticForm]


@dataclass(frozen=True, eq=False)
class Counted:
    """Test losses over those of zero, at the numbers of samples `counts`.

    Attributes:
        wide, finite: with K0, and with the NTK of the instance's own width, each of five values.
        narrow: with the NTK of width D, at D samples more than D (D + 3) / 2; of `MACHINES` the
            largest.
    """

    setting: Setting
    counts: Floats
    wide: Quantity
    finite: Quantity
    narrow: Quantity


def measure(instance: CommitteeInstance, lost: int = 0, wide: Regression | None = None) -> Counted:
    """With as many samples fewer than told as are lost, and K0 regression as in `wide`."""
    setting = instance.setting
    dimension = setting.input_dim
    full = samples_for_all(dimension)
    counts = (dimension, 2 * dimension, dimension * (dimension + 1) // 2, full - 1, full)
    sizes = [replace(setting, samples=count - lost) for count in counts]
    narrow = [
        replace(setting, width=dimension, samples=full + dimension, seed=setting.seed + skipped)
        for skipped in range(0, MACHINES * NEXT_SEED, NEXT_SEED)
    ]

    def features(one: Setting) -> Floats:
        return monomials(one.inputs(), one.curvature)

    def kernel(one: Setting) -> Floats:
        gram: Floats = one.committee().kernel(one.inputs())
        return gram

    narrow_losses = _losses(narrow, _by_kernel, kernel)
    return Counted(
        setting,
        np.array(counts, dtype=np.float64),
        _losses(sizes, wide or _by_features, features),
        _losses(sizes, _by_kernel, kernel),
        narrow_losses[[narrow_losses.values.argmax()]],
    )


def _losses(
    sizes: list[Setting], regression: Regression, matrix: Callable[[Setting], Floats]
) -> Quantity:
    """Relative test losses; a share c of the predictor put off makes 2 c sqrt(loss) + c^2."""
    losses = np.array([relative_loss(one, regression(one)) for one in sizes])
    conditions = [_condition(matrix(one), one) for one in sizes]
    off = AMPLIFIED * np.array(conditions)
    return Quantity.of(losses, 2.0 * off * np.sqrt(losses) + off**2)


def _condition(matrix: Floats, setting: Setting) -> float:
    """Infinite where regression takes a value for zero that is none, as random data make it."""
    values = np.linalg.svd(matrix, compute_uv=False)
    kept = values[values > RANK_TOLERANCE * values[0]]
    full_rank = setting.samples <= samples_for_all(setting.input_dim)
    return inf if full_rank and len(kept) < len(values) else float(values[0] / kept[-1])


def relative_loss(setting: Setting, form: QuadraticForm) -> float:
    """Test loss of a centred predictor over that of zero."""
    target = setting.target()
    return float((form - target).mean_square().total / target.mean_square().total)


def _by_features(setting: Setting) -> QuadraticForm:
    return least_norm_form(setting.inputs(), setting.labels(), setting.curvature)


def _by_kernel(setting: Setting) -> QuadraticForm:
    inputs, labels = setting.inputs(), setting.labels()
    return Linearisation(setting.committee(), inputs, labels, setting.step).form(np.inf)


def _by_all_products(setting: Setting) -> QuadraticForm:
    """K0 on all D + D^2 products, by orthogonal factors."""
    inputs, eps = setting.inputs(), setting.curvature
    products = eps * np.einsum("pi,pj->pij", inputs, inputs).reshape(len(inputs), -1)
    features = np.concatenate([inputs, products], axis=1)
    found = lstsq(features, setting.labels(), cond=RANK_TOLERANCE, lapack_driver="gelsy")[0]
    dimension = inputs.shape[1]
    return QuadraticForm(found[:dimension], 2.0 * eps * found[dimension:].reshape(dimension, -1))


KERNEL_COUNTS = Measurement(
    "kernel-counts",
    CommitteeInstance,
    ("gaussian",),
    lambda *_: counted_instances((4, 5, 6, 8, 12, 16)),
    measure,
    in_words("x ~ N(0, I/D)", "eps > 0", "N at least D + 1 for the finite network"),
    sabotaged={"a sample fewer than told": lambda instance: measure(instance, 1)},
    independent=lambda instance: measure(instance, wide=_by_all_products),
)
