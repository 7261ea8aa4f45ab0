"""Hypothesis strategies for the mean field theory of committee machines.

Initial overlaps are given, so that all runs of one setting start alike; steps are so short that the
push of a sample on itself stays stable, (dt/nu) phi'(h)^2 < 2 up to four standard deviations of h.
"""

from typing import Any

from hypothesis import strategies as st

from theory.lazy_rich import Setting
from verify.instances.committee import CommitteeInstance
from verify.strategies.sizes import Sizes

FAMILIES = ("finite samples", "linear", "many samples")

OVERLAPS = ((0.5,), (0.3,), (0.5, -0.4), (0.6, 0.2), (0.4, -0.3), (0.3, 0.3))
DIMENSION = 160
OPPOSITE = ((0.5, -0.4), (0.6, -0.2), (0.4, -0.3))
"""Two neurons that part towards beta and -beta, and fit the target without a linear term."""
MANY = 10**8
"""A sample ratio at which what is left of finite samples lies below 10^-5 of the loss: 2 10^-6 of
one that has fallen to 6 10^-5 of the first, and 2 10^-4 of it at a ratio of 10^6."""


def _drawn(draw: st.DrawFn, overlaps: tuple[float, ...], **given: Any) -> Setting:
    """A setting with these overlaps; whether it is centred and its seed are drawn."""
    centred, seed = draw(st.booleans()), draw(st.integers(0, 999))
    return Setting(width=len(overlaps), overlaps=overlaps, centred=centred, seed=seed, **given)


@st.composite
def finite_sample_settings(draw: st.DrawFn) -> Setting:
    """Sample ratios from 1.5 to 6 at 160 dimensions, up to flow time 2.4 to 6."""
    overlaps = draw(st.sampled_from(OVERLAPS))
    ratio = draw(st.sampled_from((3.0, 1.5, 2.0, 4.0, 6.0)))
    scale = draw(st.sampled_from((1.0, 2.0, 0.5)))
    calm = ratio >= 3 and scale >= 1
    curvature = draw(st.sampled_from((0.5, 0.25, 1.0) if calm else (0.5, 0.25)))
    violent = ratio < 2 or curvature >= 1 or scale < 1
    return _drawn(
        draw,
        overlaps,
        input_dim=DIMENSION,
        samples=round(DIMENSION * ratio),
        output_scale=scale,
        curvature=curvature,
        step=0.1 if violent else 0.2,
        steps=draw(st.sampled_from((24, 30))),
    )


@st.composite
def linear_settings(draw: st.DrawFn) -> Setting:
    """Machines without curvature, at sample ratios from 1/2 on."""
    overlaps = draw(st.sampled_from(OVERLAPS))
    return _drawn(
        draw,
        overlaps,
        input_dim=20,
        samples=round(20 * draw(st.sampled_from((3.0, 0.5, 1.0, 1.5, 10.0)))),
        output_scale=draw(st.sampled_from((1.0, 2.0, 0.5))),
        curvature=0.0,
        step=draw(st.sampled_from((0.2, 0.1))),
        steps=draw(st.sampled_from((24, 30))),
    )


@st.composite
def many_sample_settings(draw: st.DrawFn) -> Setting:
    """Sample ratios so large that learning is online."""
    overlaps = draw(st.sampled_from(OVERLAPS))
    return _drawn(
        draw,
        overlaps,
        input_dim=20,
        samples=20 * MANY,
        output_scale=draw(st.sampled_from((1.0, 2.0, 0.5))),
        curvature=draw(st.sampled_from((0.5, 0.25, 1.0))),
        step=draw(st.sampled_from((0.2, 0.1))),
        steps=draw(st.sampled_from((24, 30))),
    )


@st.composite
def early_settings(draw: st.DrawFn) -> Setting:
    """Sample ratio 25, up to flow time 1 or 2."""
    overlaps = draw(st.sampled_from(OVERLAPS))
    scale = draw(st.sampled_from((1.0, 2.0, 0.5)))
    curvature = draw(st.sampled_from((0.5, 0.25, 1.0) if scale >= 1 else (0.5, 0.25)))
    violent = curvature >= 1 or scale < 1
    return _drawn(
        draw,
        overlaps,
        input_dim=20,
        samples=500,
        output_scale=scale,
        curvature=curvature,
        step=0.1 if violent else draw(st.sampled_from((0.2, 0.1))),
        steps=10,
    )


@st.composite
def late_settings(draw: st.DrawFn) -> Setting:
    """Sample ratios from 5 to 20, up to flow time 8, where online learning has fitted."""
    overlaps = draw(st.sampled_from(OPPOSITE))
    return _drawn(
        draw,
        overlaps,
        input_dim=20,
        samples=20 * draw(st.sampled_from((10, 5, 20))),
        output_scale=1.0,
        curvature=draw(st.sampled_from((0.5, 0.75))),
        step=0.2,
        steps=40,
    )


_SETTINGS = dict(
    zip(
        FAMILIES,
        (finite_sample_settings(), linear_settings(), many_sample_settings()),
        strict=True,
    )
)


def dmft_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Instances of the given families; as large as mean field theory asks, at all sizes."""
    del sizes
    return st.one_of(*(_SETTINGS[family] for family in families)).map(CommitteeInstance)


def early_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Instances with many samples, early in training; as large at all sizes."""
    del families, sizes
    return early_settings().map(CommitteeInstance)


def late_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Instances with moderately many samples, late in training; as large at all sizes."""
    del families, sizes
    return late_settings().map(CommitteeInstance)
