"""What claims on several classes measure: as those of `early_late`, on instances of their own."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.kernel_phase import KERNEL_PHASE
from verify.claims.early_late.late_phase import LATE_PHASE
from verify.claims.early_late.transition import TRANSITION
from verify.language import Measurement
from verify.strategies import Sizes, kernel_phase_instances
from verify.strategies.classes import FAMILIES, RESCALED, class_problems
from verify.strategies.regimes import late_phase_instances

ASSUMPTIONS = tuple(replace(assumption, violated=None) for assumption in OF_THE_THEOREMS)
"""The same, which nothing here violates on purpose."""


def _early(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[Any]:
    return kernel_phase_instances(class_problems(families, sizes))


def _late(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[Any]:
    return late_phase_instances(class_problems(families, sizes))


def _of_classes(measurement: Measurement[Any, Any], **changes: Any) -> Measurement[Any, Any]:
    return replace(
        measurement,
        id=f"{measurement.id}-of-classes",
        **{"families": FAMILIES, **changes},
        assumptions=ASSUMPTIONS,
        examples=(),
    )


KERNEL_PHASE_OF_CLASSES = _of_classes(
    KERNEL_PHASE, families=(*FAMILIES, RESCALED), instances=_early
)
LATE_PHASE_OF_CLASSES = _of_classes(LATE_PHASE, instances=_late)
TRANSITION_OF_CLASSES = _of_classes(TRANSITION, instances=_late)
