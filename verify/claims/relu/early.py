"""Until its first kink a net of rectifiers is a polynomial, and its kernel machine is theirs."""

from dataclasses import replace

from verify.claims.early_late import kernel_svm
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.kernel_phase import KERNEL_PHASE
from verify.language import in_words
from verify.registry import source_of
from verify.strategies.rectifiers import FAMILIES, before_the_first_kink

KERNEL_PHASE_OF_RECTIFIERS = replace(
    KERNEL_PHASE,
    id="kernel-phase-of-rectifiers",
    families=FAMILIES,
    instances=before_the_first_kink,
    assumptions=(
        *(replace(assumption, violated=None) for assumption in OF_THE_THEOREMS),
        *in_words("no kink has been met", "strict complementarity"),
    ),
    examples=(),
)

CLAIM = replace(
    kernel_svm.CLAIM,
    id="kernel-svm-of-rectifiers",
    title="Before its first kink a net of rectifiers is the kernel SVM of its NTK at (1-c) t_g",
    source=source_of("kernel-svm-of-rectifiers"),
    measurement=KERNEL_PHASE_OF_RECTIFIERS,
)
