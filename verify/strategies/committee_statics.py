"""Hypothesis strategies for what holds of a committee machine at any weights: small and readable.

Dimensions are small enough that averages over inputs are exact by quadrature, and steps of descent
are few and short.
"""

from hypothesis import strategies as st

from theory.lazy_rich import Setting
from verify.instances import CommitteeInstance
from verify.strategies.sizes import Sizes

FIXED, TRAINED = "fixed_readout", "trained_readout"
READOUTS = (FIXED, TRAINED)
"""The families of machines."""

MAX_DIMENSION = 6


@st.composite
def static_settings(
    draw: st.DrawFn, families: tuple[str, ...] = READOUTS, sizes: Sizes | None = None
) -> Setting:
    """Machines in 2 to 4 dimensions, with up to 5 steps of descent on up to 10 samples.

    Args:
        sizes: larger ones; quadrature, whose cost is exponential in it, keeps the dimension to 6.
    """
    dimension, width, samples = 4, 6, 10
    if sizes is not None:
        dimension = min(2 + sizes.max_input_dim // 4, MAX_DIMENSION)
        width, samples = sizes.max_width, 2 * sizes.max_samples
    return Setting(
        input_dim=draw(st.integers(2, dimension)),
        width=draw(st.integers(1, width)),
        samples=draw(st.integers(2, samples)),
        output_scale=draw(st.sampled_from((1.0, 2.0, 0.5, 4.0))),
        curvature=draw(st.sampled_from((1.0, 0.5, 2.0, 0.3))),
        signal=draw(st.sampled_from((1.0, 2.0, 0.5))),
        step=draw(st.sampled_from((0.01, 0.02, 0.005))),
        steps=draw(st.integers(1, 5)),
        centred=draw(st.booleans()),
        trained_readout=draw(st.sampled_from(families)) == TRAINED,
        seed=draw(st.integers(0, 999)),
    )


def static_instances(
    families: tuple[str, ...] = READOUTS, sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Instances of the given families."""
    return static_settings(families, sizes).map(CommitteeInstance)


@st.composite
def aligned_instances(draw: st.DrawFn, families: tuple[str, ...] = (FIXED,)) -> CommitteeInstance:
    """Fixed readouts in 2 to 12 dimensions, at their start or after some steps of descent."""
    del families
    dimension = draw(st.integers(2, 12))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.integers(1, 12)),
            samples=3 * dimension,
            output_scale=draw(st.sampled_from((1.0, 2.0, 0.5))),
            curvature=draw(st.sampled_from((0.5, 0.25, 1.0, 2.0))),
            signal=draw(st.sampled_from((1.0, 2.0, 0.5))),
            step=0.01,
            steps=draw(st.sampled_from((1, 10, 40))),
            seed=draw(st.integers(0, 999)),
        )
    )
