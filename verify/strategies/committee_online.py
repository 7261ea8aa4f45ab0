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
from verify.strategies.committee_dmft import MANY
from verify.strategies.sizes import Sizes

SIGNALS = (1.0, 0.5, 2.0)

PATTERNS = ((1,), (1, 1), (2, 1), (1, 2, -1), (3, 1, 1))
"""Overlaps of neurons with the target, up to scale, that do not cancel."""

DIFFERENCES = ((1, -1), (1, -1, 0), (1, 1, -2))
"""Overlaps that sum to zero: the linear part of the predictor does not see them."""


@st.composite
def population_settings(draw: st.DrawFn, centred: bool, sizes: Sizes | None = None) -> Setting:
    """Gaussian weights, few dimensions, and at most a time alpha / (eps B)."""
    return Setting(
        input_dim=draw(st.integers(2, 4 if sizes is None else sizes.max_input_dim // 2)),
        width=draw(st.integers(1, 3 if sizes is None else sizes.max_width // 2)),
        samples=1,
        output_scale=draw(st.sampled_from((1.0, 0.5, 2.0))),
        curvature=draw(st.sampled_from((0.5, 0.25, 1.0))),
        signal=draw(st.sampled_from((1.0, 0.5))),
        step=draw(st.sampled_from((0.02, 0.05))),
        steps=draw(st.sampled_from((5, 10))),
        centred=centred,
        seed=draw(st.integers(0, 999)),
    )


def population_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Families "uncentred" and "centred"."""
    settings = st.sampled_from(families).flatmap(
        lambda family: population_settings(family == "centred", sizes)
    )
    return settings.map(CommitteeInstance if sizes is None else _of_population)


def _of_population(setting: Setting) -> CommitteeInstance:
    """An instance that says by its number of samples that there is no end of them.

    Nothing that learns from the population reads that number.
    """
    return CommitteeInstance(replace(setting, samples=MANY * setting.input_dim))


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
def _grown(draw: st.DrawFn, setting: Setting, sizes: Sizes, blind: bool) -> Setting:
    """In more dimensions and, where asked for, with neurons that do not see the target."""
    most = max(sizes.max_width // 2 - setting.width, 0) if blind else 0
    overlaps = (*(setting.overlaps or ()), *(0.0,) * draw(st.integers(0, most)))
    least = len(overlaps) + 1
    dimension = draw(st.integers(least, max(sizes.max_input_dim, least)))
    return replace(setting, width=len(overlaps), overlaps=overlaps, input_dim=dimension)


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


@st.composite
def _escaping(draw: st.DrawFn, family: str, sizes: Sizes | None) -> CommitteeInstance:
    setting = draw(_ESCAPES[family]())
    if sizes is None:
        return CommitteeInstance(setting)
    # elsewhere the number of neurons decides whether the norm saturates first
    return _of_population(draw(_grown(setting, sizes, blind=family == "aligned")))


def escape_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Families "aligned", "saturated" and "single"."""
    return st.sampled_from(families).flatmap(lambda family: _escaping(family, sizes))


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


@st.composite
def _coherent(draw: st.DrawFn, family: str, sizes: Sizes | None) -> CommitteeInstance:
    factors = BELOW if family == AGREEING else BELOW + ABOVE
    setting = draw(coherent_settings(family == GAUSSIAN, family in (CENTRED, AGREEING), factors))
    if sizes is None:
        return CommitteeInstance(setting)
    grown = setting if setting.overlaps is None else draw(_grown(setting, sizes, blind=False))
    return _of_population(grown)


def coherent_instances(
    families: tuple[str, ...], sizes: Sizes | None = None
) -> st.SearchStrategy[CommitteeInstance]:
    """Instances of the given families, of `COHERENT`."""
    return st.sampled_from(families).flatmap(lambda family: _coherent(family, sizes))
