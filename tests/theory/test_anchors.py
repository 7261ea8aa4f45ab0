"""Anchors: zero output on every input, unit norm, and the involution behind the better order."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.anchors import (
    balanced_anchor,
    difference_anchor,
    has_odd_involution,
    rescaled_difference_anchor,
    zero_readout_anchor,
)
from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer

Builder = Callable[[np.random.Generator], Floats]

LAYERED = [
    TwoLayer(4, 3, "square"),
    TwoLayer(2, 3, "cube"),
    TwoLayer(4, 2, "relu_squared"),
    TwoLayer(4, 2, "relu_cubed"),
    Deep((3, 2, 4, 1), "linear"),
    Deep((3, 4, 2, 1), "square"),
    Deep((2, 2, 2, 2, 1), "linear"),
]
BALANCED = [Diagonal(3, 2), Diagonal(2, 3), Factorization(3, 2)]


def half_of(net: HomogeneousNet, generator: np.random.Generator) -> Floats:
    """Random parameters for the net of half the hidden widths."""
    if isinstance(net, TwoLayer):
        return generator.standard_normal(net.parameters // 2)
    assert isinstance(net, Deep)
    hidden = (width // 2 for width in net.widths[1:-1])
    return generator.standard_normal(Deep((net.widths[0], *hidden, 1)).parameters)


def anchor_of(kind: str, net: HomogeneousNet, generator: np.random.Generator) -> Floats:
    assert net.parameters is not None
    if kind == "balanced":
        return balanced_anchor(net, generator.standard_normal(net.parameters // 2))  # type: ignore[arg-type]
    if kind == "zero readout":
        return zero_readout_anchor(net, generator.standard_normal(net.parameters))  # type: ignore[arg-type]
    half = half_of(net, generator)
    if kind == "difference":
        return difference_anchor(net, half)  # type: ignore[arg-type]
    return rescaled_difference_anchor(net, half, 2.0)  # type: ignore[arg-type]


CASES = [
    *(("balanced", net) for net in BALANCED),
    *((kind, net) for kind in ("difference", "zero readout", "rescaled") for net in LAYERED),
]
each_case = pytest.mark.parametrize(("kind", "net"), CASES, ids=str)


def random_inputs(net: HomogeneousNet, generator: np.random.Generator, samples: int = 5) -> Floats:
    if isinstance(net, Factorization):
        return generator.integers(0, net.size, (samples, 2)).astype(float)
    dimension = net.widths[0] if isinstance(net, Deep) else net.input_dim  # type: ignore[attr-defined]
    return generator.standard_normal((samples, dimension))


@each_case
@given(seed=st.integers(0, 2**32 - 1))
def test_output_vanishes_on_every_input(kind: str, net: HomogeneousNet, seed: int) -> None:
    generator = np.random.default_rng(seed)
    anchor = anchor_of(kind, net, generator)
    inputs = random_inputs(net, generator)
    gradients = np.linalg.norm(net.jacobian(anchor, inputs), axis=1)
    # rounding of a sum whose terms are at most |gradient| |anchor|
    assert np.all(np.abs(net.outputs(anchor, inputs)) <= 1e-14 * (1 + gradients))
    assert np.linalg.norm(anchor) == pytest.approx(1.0, rel=1e-14)


@each_case
def test_second_order_vanishes_except_for_the_rescaled_difference_of_nonlinear_nets(
    kind: str, net: HomogeneousNet
) -> None:
    # a linear net is also invariant under rotations that mix its copies, and the reflection that
    # fixes (1, scale) fixes its rescaled difference anchor
    generator = np.random.default_rng(3)
    lopsided = kind == "rescaled" and "linear" not in str(net)
    anchor = anchor_of(kind, net, generator)
    inputs = random_inputs(net, generator)
    assert has_odd_involution(net, anchor, inputs) == (not lopsided)


def test_rescaling_by_one_is_the_difference_trick() -> None:
    net = TwoLayer(4, 3, "square")
    half = half_of(net, np.random.default_rng(0))
    np.testing.assert_array_equal(
        rescaled_difference_anchor(net, half, 1.0), difference_anchor(net, half)
    )


def test_difference_anchor_holds_two_copies_with_opposite_readouts() -> None:
    net = TwoLayer(2, 2, "square")
    anchor = difference_anchor(net, np.array([1.0, 2.0, 3.0]), normalize=False)
    np.testing.assert_array_equal(anchor, [1, -1, 2, 3, 2, 3])
    deep = difference_anchor(Deep((1, 2, 2, 1)), np.array([1.0, 2.0, 3.0]), normalize=False)
    np.testing.assert_array_equal(deep, [1, 1, 2, 0, 0, 2, 3, -3])


def test_norm_is_kept_when_asked() -> None:
    np.testing.assert_array_equal(
        balanced_anchor(Diagonal(2), np.array([3.0, 4.0]), normalize=False), [3, 4, 3, 4]
    )
    kept = zero_readout_anchor(TwoLayer(1, 2, "square"), np.array([5.0, 3.0, 4.0]), normalize=False)
    np.testing.assert_array_equal(kept, [0, 3, 4])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: balanced_anchor(Diagonal(3), np.ones(2)), "half has 2 numbers; .* needs 3"),
        (lambda: balanced_anchor(Diagonal(1), np.zeros(1)), "anchor would be zero or infinite"),
        (
            lambda: balanced_anchor(Diagonal(1), np.array([np.inf])),
            "anchor would be zero or infinite",
        ),
        (
            lambda: difference_anchor(TwoLayer(3, 2, "square"), np.ones(3)),
            "odd hidden width; the difference trick needs even ones",
        ),
        (
            lambda: difference_anchor(Deep((2, 2, 3, 1)), np.ones(4)),
            "odd hidden width",
        ),
        (
            lambda: difference_anchor(TwoLayer(4, 2, "square"), np.ones(5)),
            "half has 5 numbers; .* has 6",
        ),
        (
            lambda: rescaled_difference_anchor(TwoLayer(2, 2, "square"), np.ones(3), 0.0),
            "scale is 0.0; it must be positive",
        ),
        *(
            (
                lambda scale=scale: rescaled_difference_anchor(
                    TwoLayer(2, 2, "square"), np.ones(3), scale
                ),
                f"scale is {scale}; it must be positive and finite",
            )
            for scale in (np.nan, np.inf)
        ),
        *(
            (
                lambda net=net: balanced_anchor(net, np.ones(2)),
                "balanced anchor is for Diagonal and",
            )
            for net in (TwoLayer(2, 1, "square"), Deep((1, 1, 1, 1)))
        ),
        *(
            (
                lambda net=net: difference_anchor(net, np.ones(2)),
                "difference trick is for TwoLayer,",
            )
            for net in (Diagonal(2), Factorization(2, 1))
        ),
        (
            lambda: zero_readout_anchor(Diagonal(2), np.ones(4)),  # type: ignore[arg-type]
            r"net is Diagonal\(.*; a readout of zero is for TwoLayer, TwoLayerReLU and Deep nets",
        ),
        (
            lambda: balanced_anchor(Diagonal(2), ["a", "b"]),
            r"half is not a rectangular array of numbers: \['a', 'b'\]",
        ),
        (
            lambda: zero_readout_anchor(TwoLayer(2, 2, "square"), np.ones(5)),
            "theta has 5 numbers; .* has 6",
        ),
    ],
)
def test_impossible_anchors_are_refused(build: Callable[[], Floats], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        build()


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_anchors_of_any_size_become_directions(size: float) -> None:
    found = balanced_anchor(Diagonal(2), size * np.array([3.0, 4.0]))
    np.testing.assert_allclose(found, np.array([3.0, 4.0, 3.0, 4.0]) / 50**0.5, rtol=1e-15)
