"""Hypothesis strategies for committee machines in training: small, and with readable numbers.

Every strategy draws from what its claim is about, so that nothing has to be filtered; the first
value of each list is the simplest.
"""

from hypothesis import strategies as st

from theory.lazy_rich import Setting
from theory.lazy_rich.hard_tasks import samples_for_all
from verify.instances.committee import CommitteeInstance
from verify.strategies.sizes import Sizes

SEEDS = st.integers(0, 999)

READOUTS = ("fixed-readouts", "trained-readouts")
CENTRING = ("centred", "uncentred")


@st.composite
def knob_instances(
    draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes | None = None
) -> CommitteeInstance:
    """Some steps of descent away from the lazy and from the rich limit, with a signal other than 1.

    Families are those of `READOUTS`.
    """
    dimension, width, samples = (6, 8, 12) if sizes is None else _largest(sizes)
    return CommitteeInstance(
        Setting(
            input_dim=draw(st.integers(2, dimension)),
            width=draw(st.integers(1, width)),
            samples=draw(st.integers(2, samples)),
            output_scale=draw(st.sampled_from((1.0, 0.5, 2.0, 4.0))),
            curvature=draw(st.sampled_from((0.5, 0.25, 1.0))),
            signal=draw(st.sampled_from((2.0, 0.5, 4.0))),
            step=draw(st.sampled_from((0.01, 0.02))),
            steps=draw(st.sampled_from((10, 30, 60))),
            centred=draw(st.booleans()),
            trained_readout=draw(st.sampled_from(families)) == "trained-readouts",
            seed=draw(SEEDS),
        )
    )


def _largest(sizes: Sizes) -> tuple[int, int, int]:
    """Of dimension, width and samples: two samples for each dimension of inputs."""
    return sizes.max_input_dim, sizes.max_width, 2 * sizes.max_samples


@st.composite
def weight_scale_instances(
    draw: st.DrawFn, curvatures: tuple[float, ...], sizes: Sizes | None = None
) -> CommitteeInstance:
    """Machines whose weight scale is turned, at one of these curvatures."""
    dimension = draw(st.integers(4, 8 if sizes is None else max(sizes.max_input_dim, 8)))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.integers(10, 20 if sizes is None else max(2 * sizes.max_width, 20))),
            samples=draw(st.integers(dimension, 2 * dimension)),
            curvature=draw(st.sampled_from(curvatures)),
            step=0.02,
            steps=draw(st.sampled_from((100, 200))),
            seed=draw(SEEDS),
        )
    )


@st.composite
def lazy_instances(
    draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes | None = None
) -> CommitteeInstance:
    """Machines at the smallest alpha of a lazy ladder, with fewer samples than parameters.

    Families are those of `READOUTS`.
    """
    dimension = draw(st.integers(3, 8 if sizes is None else max(sizes.max_input_dim, 8)))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.integers(5, 20 if sizes is None else max(2 * sizes.max_width, 20))),
            samples=draw(st.integers(2, 2 * dimension)),
            output_scale=draw(st.sampled_from((64.0, 128.0))),
            curvature=draw(st.sampled_from((0.5, 0.25, 1.0))),
            step=0.02,
            steps=draw(st.sampled_from((50, 100, 200))),
            trained_readout=draw(st.sampled_from(families)) == "trained-readouts",
            seed=draw(SEEDS),
        )
    )


@st.composite
def memorising_instances(draw: st.DrawFn, sizes: Sizes | None = None) -> CommitteeInstance:
    """Samples between 4 D and D (D + 3) / 2: enough to learn from, too few to decide the target."""
    dimension = draw(st.integers(8, 10 if sizes is None else max(sizes.max_input_dim, 10)))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.sampled_from((20, 30))),
            samples=draw(st.integers(4 * dimension, samples_for_all(dimension) - 1)),
            output_scale=1.0,
            curvature=draw(st.sampled_from((0.25, 0.5))),
            step=0.05,
            steps=2000,
            seed=draw(SEEDS),
        )
    )


@st.composite
def generalising_instances(
    draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes | None = None
) -> CommitteeInstance:
    """Twice the samples that decide the target, at alpha eps from 1/16 to 4.

    Families are those of `CENTRING`.
    """
    dimension = draw(st.integers(4, 6 if sizes is None else max(sizes.max_input_dim // 2, 6)))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.sampled_from((8, 12, 16))),
            samples=2 * samples_for_all(dimension),
            output_scale=draw(st.sampled_from((0.5, 0.25, 4.0, 8.0))),
            curvature=draw(st.sampled_from((0.5, 0.25))),
            step=0.3,
            steps=4000,
            centred=draw(st.sampled_from(families)) == "centred",
            seed=draw(SEEDS),
        )
    )


@st.composite
def counted_instances(draw: st.DrawFn, dimensions: tuple[int, ...]) -> CommitteeInstance:
    """Machines wider than their inputs; their claim varies the number of samples."""
    dimension = draw(st.sampled_from(dimensions))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.sampled_from((2 * dimension, 3 * dimension, dimension + 1))),
            samples=3 * dimension,
            curvature=draw(st.sampled_from((0.5, 0.25))),
            seed=draw(SEEDS),
        )
    )


@st.composite
def goldilocks_instances(draw: st.DrawFn, sizes: Sizes | None = None) -> CommitteeInstance:
    """Three samples a dimension, until they are fitted."""
    larger = () if sizes is None else (sizes.max_input_dim,)
    dimension = draw(st.sampled_from(sorted({12, 16, *(k for k in larger if k > 12)})))
    return CommitteeInstance(
        Setting(
            input_dim=dimension,
            width=draw(st.sampled_from((2 * dimension, 3 * dimension))),
            samples=3 * dimension,
            step=0.1,
            steps=1500,
            seed=draw(SEEDS),
        )
    )
