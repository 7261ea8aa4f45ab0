"""The test loss of the committee machine is a sum of three squares: scale, alignment, linear."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from theory.backend import Floats
from theory.lazy_rich import Setting
from verify.claims.lazy_rich.descent_losses import DESCENT_LOSSES, Losses, Terms
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Quantity,
    below,
    choice,
    equals,
    not_applicable,
    stated,
)
from verify.registry import source_of

ROUNDING: Final = 1e-10
"""Relative to the loss and E y^2 together; float64 loses less than 1e-13 of them."""

LOST: Final = 1e-12

OVERLAPS = "loss by C and A"


@dataclass(frozen=True)
class Theory:
    """L = scale (tr S / D)^2 / 4 + alignment |S|^2 / (2 D^2) + linear alpha^2 |wbar|^2 / D.

    Attributes:
        scale, alignment, linear: factors of the three terms; 1 as stated.
        correction: c of a factor D / (D + c) in the alignment.
        scale_power: of alpha in the linear term.
        as_trained: wbar and M are those by which the trained predictor differs from its start;
            else those of the weights, also for centred machines.
        with_readouts: wbar and M have the readouts in them.
        minimum: |w|^2 / D of a machine without loss, over B / (alpha eps).
    """

    scale: float = stated(
        1.0,
        no_scale=(0.0, "alignment and linear term alone"),
        scale_not_halved=(4.0, "the scale is (tr S / D)^2"),
    )
    alignment: float = stated(1.0, no_half=(2.0, "the alignment is |S|^2 / D^2"))
    linear: float = stated(1.0, no_linear=(0.0, "scale and alignment alone"))
    correction: float = stated(
        0.0, finite_dimension=(2.0, "the alignment is |S|^2 / (2 D (D + 2))")
    )
    scale_power: float = stated(2.0, without_output_scale=(0.0, "the linear term is |wbar|^2 / D"))
    as_trained: bool = choice(
        True,
        statistics_of_the_weights=(
            False,
            "wbar and M of the weights also where the initial predictor is subtracted",
        ),
    )
    with_readouts: bool = choice(
        True, readouts_left_out=(False, "wbar and M without the trained readouts")
    )
    minimum: float = stated(
        1.0, summed_minimum=(2.0, "no loss at w = +-beta sqrt(2 / (alpha eps))")
    )

    def total(self, terms: Terms, setting: Setting) -> Floats:
        """The loss of each machine, `(k,)`."""
        shrunk = self.alignment * setting.input_dim / (setting.input_dim + self.correction)
        linear = self.linear * setting.output_scale ** (self.scale_power - 2.0)
        loss: Floats = self.scale * terms.scale + shrunk * terms.alignment + linear * terms.linear
        return loss


def laws(losses: Losses, theory: Theory) -> Iterator[Law]:
    """The loss by both sets of statistics, in more dimensions, and where it vanishes."""
    setting = losses.setting
    label_square = 0.75 * setting.signal**2

    def identity(law: str, terms: Terms, of: Setting, exact: Floats) -> Law:
        # C and A cancel in the alignment, in terms as large as the loss and E y^2
        size = exact + label_square
        return equals(
            law, Quantity.of(theory.total(terms, of) / size, LOST), exact / size, ROUNDING
        )

    terms = losses.trained if theory.as_trained else losses.of_weights
    if not theory.with_readouts:
        terms = losses.without_readouts
    yield identity("loss by S and wbar", terms, setting, losses.exact)
    if losses.overlaps is None or not (theory.as_trained and theory.with_readouts):
        yield not_applicable(OVERLAPS, Kind.EQUALS, "they are those of the stated predictor alone")
    else:
        yield identity(OVERLAPS, losses.overlaps, setting, losses.exact)
    yield identity(
        "loss in ten times the dimension", losses.large, losses.large_setting, losses.large_exact
    )
    least = Quantity.of(losses.of_opposite_neurons(theory.minimum) / label_square, LOST)
    yield below("loss of opposite neurons along beta", least, ROUNDING, Basis.IDENTITY)


CLAIM = Claim(
    id="loss-decomposition",
    title="The test loss is scale + alignment + linear term, exactly",
    statement=(
        r"L = \left(\tfrac{\mathrm{tr}\,S}{2D}\right)^2 + \tfrac{\|S\|_F^2}{2D^2}"
        r" + \tfrac{\alpha^2 |\bar w|^2}{D}, \quad S = \alpha\epsilon M - \beta\beta^\top"
    ),
    source=source_of("loss-decomposition"),
    measurement=DESCENT_LOSSES,
    theory=Theory(),
    laws=laws,
    tolerances=(f"identities: {ROUNDING:g} of the loss and E y^2; float64 loses less than 1e-13",),
)
