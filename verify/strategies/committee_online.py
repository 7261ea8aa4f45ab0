"""Hypothesis strategies of committee machines that learn from their population.

Overlaps with the target are whole multiples of a small number, alpha and eps powers of ten or round
fractions, and the regime of each family follows from them: nothing is drawn and then discarded.
"""

from dataclasses import replace

from hypothesis import strategies as st

from theory.lazy_rich import Setting
from theory.lazy_rich.escape import coherence
from theory.lazy_rich.online import Online
from verify.instances import CommitteeInstance

SIGNALS = (1.0, 0.5, 2.0)

PATTERNS = ((1,), (1, 1), (2, 1), (1, 2, -1), (3, 1, 1))
"""Overlaps of neurons with the target, up to scale, that do not cancel."""

DIFFERENCES = ((1, -1), (1, -1, 0), (1, 1, -2))
"""Overlaps that sum to zero: the linear part of the predictor does not see them."""


@st.composite
def population_settings(draw: st.DrawFn, centred: bool) -> Setting:
    """Gaussian weights, few dimensions, and at most a time alpha / (eps B)."""
    return Setting(
        input_dim=draw(st.integers(2, 4)),
        width=draw(st.integers(1, 3)),
        samples=1,
        output_scale=draw(st.sampled_from((1.0, 0.5, 2.0))),
        curvature=draw(st.sampled_from((0.5, 0.25, 1.0))),
        signal=draw(st.sampled_from((1.0, 0.5))),
        step=draw(st.sampled_from((0.02, 0.05))),
        steps=draw(st.sampled_from((5, 10))),
        centred=centred,
        seed=draw(st.integers(0, 999)),
    )


def population_instances(families: tuple[str, ...]) -> st.SearchStrategy[CommitteeInstance]:
    """Families "uncentred" and "centred"."""
    return st.sampled_from(families).flatmap(
        lambda family: population_settings(family == "centred").map(CommitteeInstance)
    )


def with_overlaps(
    pattern: tuple[int, ...],
    size: float,
    output_scale: float,
    curvature: float,
    signal: float,
    centred: bool = False,
) -> Setting:
    """Orthogonal weights of unit norm (in units of D) with overlaps size * pattern."""
    return Setting(
        input_dim=len(pattern) + 1,
        width=len(pattern),
        samples=1,
        output_scale=output_scale,
        curvature=curvature,
        signal=signal,
        centred=centred,
        overlaps=tuple(float(f"{size * k:.12g}") for k in pattern),
    )


@st.composite
def aligned_settings(draw: st.DrawFn) -> Setting:
    """alpha eps from 10^-6 to 10^-8 and overlaps of a tenth: alignment precedes growth.

    alpha <= 10^-3 eps, or overlaps that sum to zero.
    """
    product = draw(st.integers(6, 8))
    differences = draw(st.booleans())
    if differences:
        pattern = draw(st.sampled_from(DIFFERENCES))
        small = draw(st.integers(-(-product // 2), product - 1))
    else:
        pattern = draw(st.sampled_from(PATTERNS))
        small = draw(st.integers(-(-(product + 3) // 2), product - 1))
    signal, centred = draw(st.sampled_from(SIGNALS)), draw(st.booleans())
    return with_overlaps(pattern, 0.1, 10.0**-small, 10.0 ** (small - product), signal, centred)


@st.composite
def saturated_settings(draw: st.DrawFn) -> Setting:
    """alpha eps from 1/10 to 1/2 and overlaps of 10^-5: the norm saturates before alignment."""
    pattern = draw(st.sampled_from(((1,), *DIFFERENCES)))
    product = draw(st.sampled_from((0.1, 0.2, 0.5)))
    curvature = draw(st.sampled_from((5.0, 10.0, 20.0) if len(pattern) == 1 else (1.0, 0.5, 4.0)))
    signal = draw(st.sampled_from(SIGNALS))
    return with_overlaps(pattern, 1e-5, product / curvature, curvature, signal)


@st.composite
def single_settings(draw: st.DrawFn) -> Setting:
    """One neuron anywhere between the regimes, alpha at most 3/10 of eps B."""
    curvature = draw(st.sampled_from((0.5, 0.2, 1.0)))
    signal = draw(st.sampled_from(SIGNALS))
    ratio = draw(st.sampled_from((0.1, 0.01, 0.3)))
    size = draw(st.sampled_from((0.1, 0.5, 0.01)))
    return with_overlaps((1,), size, ratio * curvature * signal, curvature, signal)


_ESCAPES = {
    "aligned": aligned_settings,
    "saturated": saturated_settings,
    "single": single_settings,
}


def escape_instances(families: tuple[str, ...]) -> st.SearchStrategy[CommitteeInstance]:
    """Families "aligned", "saturated" and "single"."""
    return st.sampled_from(families).flatmap(
        lambda family: _ESCAPES[family]().map(CommitteeInstance)
    )


BELOW, ABOVE = (0.5, 0.8), (1.25, 2.0)
"""Thresholds over coherence: clear of one, and close enough to it to tell constants apart."""


@st.composite
def coherent_settings(
    draw: st.DrawFn, gaussian: bool, centred: bool, factors: tuple[float, ...]
) -> Setting:
    """eps of a few percent, and alpha such that 3 eps B / (2 alpha) is near the coherence.

    Args:
        factors: what 3 eps B / (2 alpha) may be, over the coherence or at least 1/10.
    """
    signal, factor = draw(st.sampled_from(SIGNALS)), draw(st.sampled_from(factors))
    curvature = draw(st.sampled_from((0.02, 0.05)))
    if gaussian:
        shape = Setting(
            input_dim=draw(st.sampled_from((10, 20, 30))),
            width=draw(st.integers(2, 5)),
            samples=1,
            curvature=curvature,
            signal=signal,
            centred=centred,
            seed=draw(st.integers(0, 999)),
        )
    else:
        pattern = draw(st.sampled_from(PATTERNS[1:]))
        shape = with_overlaps(pattern, 0.1, 1.0, curvature, signal, centred)
    # neurons that hardly agree would put the threshold below its own error
    level = factor * max(coherence(Online.of(shape).alignment), 0.1)
    return replace(shape, output_scale=float(f"{1.5 * curvature * signal / level:.3g}"))


ORTHOGONAL, GAUSSIAN, CENTRED, AGREEING = "orthogonal", "gaussian", "centred", "agreeing"
COHERENT = (ORTHOGONAL, GAUSSIAN, CENTRED, AGREEING)
"""The last two are centred; the last has thresholds below the coherence."""


def coherent_instances(families: tuple[str, ...]) -> st.SearchStrategy[CommitteeInstance]:
    """Instances of the given families, of `COHERENT`."""
    return st.sampled_from(families).flatmap(
        lambda family: coherent_settings(
            family == GAUSSIAN,
            family in (CENTRED, AGREEING),
            BELOW if family == AGREEING else BELOW + ABOVE,
        ).map(CommitteeInstance)
    )
