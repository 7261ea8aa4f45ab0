"""Hypothesis strategies for problems whose anchor is given an output."""

from dataclasses import replace

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.backend import Floats
from theory.kernel import gram, kernel_svm
from theory.kernel.ntk import feature_rank
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.instances.twins import input_degree
from verify.strategies.nets import AnchoredNet, anchored_nets
from verify.strategies.rectifiers import STRICT, strict
from verify.strategies.regimes import DECAY_POWERS, instance_at
from verify.strategies.sizes import Sizes
from verify.strategies.special_inputs import input_dimension
from verify.strategies.tasks import LOSSES, livened, some_inputs

FAMILIES = ("diagonal", "two_layer", "deep")

MOST_PARAMETERS, MOST_DIMENSIONS, MOST_SAMPLES = 36, 5, 4
LEAST_DIMENSIONS = 3
"""Of inputs and layers: two samples then leave some of the output where they do not lie."""

DISPLACEMENT = 1e-6
"""Relative, at (1-c) t_g: what is nonlinear moves outputs by as much."""

MARGINS = (0.7, 0.75, 0.8)
"""c. The anchor's output is a share of Lam at (1-c) t_g, and alpha^((1-c) L) of that at the start,
where margins are exponents: with c from 0.7 on they are small enough for every method."""

SLOWEST = 0.25
"""Least eigenvalue of diag(b) K, at which multipliers L Lam b relax, over L Lam; the largest is 1
or more."""


@st.composite
def all_supporting(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> FlowInstance:
    """At least two samples, all of which support the machine: others would remember when the
    anchor's output last let them pull. They are fewer than the features have dimensions.
    """
    small = replace(
        sizes,
        max_parameters=min(MOST_PARAMETERS, sizes.max_parameters),
        max_input_dim=min(MOST_DIMENSIONS, sizes.max_input_dim),
        max_samples=min(MOST_SAMPLES, sizes.max_samples),
    )
    anchored = draw(anchored_nets(families, small, smallest=LEAST_DIMENSIONS))
    inputs = draw(some_inputs(anchored.net, draw(st.integers(2, small.max_samples))))
    signs = st.sampled_from((1.0, -1.0))
    labels = np.array(draw(st.lists(signs, min_size=len(inputs), max_size=len(inputs))))
    inputs, labels = _supporting(anchored, inputs, labels)
    if len(inputs) < 2:
        return reject()
    loss = draw(st.sampled_from(LOSSES))
    problem = Problem(anchored.net, anchored.anchor, inputs, labels, loss)
    svm = kernel_svm(problem)
    if not (svm.support.all() and strict(svm)):
        return reject()
    power, c = draw(st.sampled_from(DECAY_POWERS)), draw(st.sampled_from(MARGINS))
    scale = scale_of_displacement(svm, problem, power, 1.0 - c, DISPLACEMENT)
    return instance_at(problem, scale, power, c)


def _supporting(anchored: AnchoredNet, inputs: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Of the samples one after another those that support along with the earlier ones, with their
    own label or with the other; where no second one does, the first with one coordinate turned.
    """
    turned = inputs[0] * (1.0 - 2.0 * np.eye(inputs.shape[1]))
    candidates = _of_equal_gradients(anchored, np.vstack([inputs, turned]))
    gradients = anchored.net.jacobian(anchored.anchor, candidates)
    own = np.append(labels, np.ones(len(turned)))
    most = _dimensions(anchored) - 1
    signed = np.empty((0, gradients.shape[1]))
    kept: list[int] = []
    for k in range(len(candidates)):
        if len(kept) >= min(most, 2 if k >= len(inputs) else most):
            break
        for label in (own[k], -own[k]):
            tried = np.vstack([signed, label * gradients[k]])
            if _all_support(tried):
                signed, own[k] = tried, label
                kept.append(k)
                break
    return candidates[kept], own[kept]


def _dimensions(anchored: AnchoredNet) -> int:
    """Of the span of the gradients at any inputs."""
    shape = (2 * MOST_PARAMETERS, input_dimension(anchored.net))
    anywhere = np.random.default_rng(0).standard_normal(shape)
    return feature_rank(anchored.net.jacobian(anchored.anchor, anywhere))


def _of_equal_gradients(anchored: AnchoredNet, inputs: Floats) -> Floats:
    """Inputs with gradients of about the length 1, by factors that are multiples of 1/8."""
    degree = input_degree(anchored.net)
    assert degree is not None
    inputs = livened(anchored, inputs)
    lengths = np.linalg.norm(anchored.net.jacobian(anchored.anchor, inputs), axis=1)
    factors = np.where(lengths > 0.0, lengths, 1.0) ** (-1.0 / degree)
    return np.asarray(inputs * (np.ceil(8.0 * factors) / 8.0)[:, None])


def _all_support(signed: Floats) -> bool:
    if feature_rank(signed) < len(signed):
        return False
    kernel = gram(signed)
    dual = np.asarray(np.linalg.solve(kernel, np.ones(len(kernel))), dtype=np.float64)
    return bool(dual.min() >= STRICT * dual.max()) and relaxation(kernel, dual) >= SLOWEST


def relaxation(kernel: Floats, dual: Floats) -> float:
    """The least eigenvalue of diag(b) K; b > 0."""
    root = np.sqrt(dual)
    return float(np.linalg.eigvalsh(root[:, None] * kernel * root)[0])
