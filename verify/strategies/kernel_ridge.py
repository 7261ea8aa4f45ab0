"""Spectra of kernels and targets that scale with the number of samples, and cubes."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.kernel_ridge import Cube, Spectrum
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

RIDGES = ("no-ridge", "ridge-and-noise")


@dataclass(frozen=True)
class PowerSpectrum(Record):
    """lam_i = (i/n)^-decay / n and v_i like (i/n)^-target, for 4 n modes."""

    decay: float
    target: float
    noise: float
    ridge: float
    seed: int

    def of(self, samples: int) -> Spectrum:
        places = (np.arange(4 * samples) + 1.0) / samples
        weights = places**-self.target
        values = places**-self.decay / samples
        return Spectrum(values, weights / weights.sum(), self.noise, self.ridge)


@dataclass(frozen=True)
class CubeTask(Record):
    """A kernel of inner products on the cube, and a target of one coordinate."""

    dimension: int
    rate: float
    ridge: float
    seed: int

    @property
    def cube(self) -> Cube:
        return Cube(self.dimension, self.rate, 1)


@st.composite
def power_spectra(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> PowerSpectrum:
    """Families are those of `RIDGES`."""
    del sizes
    ridged = draw(st.sampled_from(families)) == RIDGES[1]
    return PowerSpectrum(
        draw(st.sampled_from((1.5, 1.25, 1.75, 2.0))),
        draw(st.sampled_from((0.0, 0.25, 0.5))),
        draw(st.sampled_from((0.125, 0.25))) if ridged else 0.0,
        draw(st.integers(2, 8)) / 128 if ridged else 0.0,
        draw(st.integers(0, 999)),
    )


@st.composite
def cube_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> CubeTask:
    del families, sizes
    return CubeTask(
        draw(st.integers(7, 8)),
        draw(st.sampled_from((1.0, 1.5, 2.0))),
        draw(st.sampled_from((1, 2))) / 1024,
        draw(st.integers(0, 999)),
    )
