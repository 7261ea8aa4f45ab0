"""Several classes before the transition: the kernel machine of the pairs, a frozen direction, its
norm. The laws and constants are those of two classes, and so are the rivals.
"""

from dataclasses import replace

from verify.claims.classes.measurements import KERNEL_PHASE_OF_CLASSES
from verify.claims.early_late import frozen_direction, kernel_svm, norm_law
from verify.registry import source_of

KERNEL_SVM = replace(
    kernel_svm.CLAIM,
    id="kernel-svm-of-classes",
    title="At (1-c) t_g a net of several classes is the multi-class kernel SVM of its NTK",
    statement=(
        r"\frac{f(\theta((1-c)t_g); x)}{Z(\alpha)} \to"
        r" \langle \nabla f(\bar\theta; x), h^*/\|h^*\| \rangle, \quad"
        r" h^* = \mathrm{argmin} \|h\|^2 \text{ s.t. }"
        r" \langle \nabla f_{y_i}(\bar\theta; x_i) - \nabla f_j(\bar\theta; x_i), h \rangle \ge 1"
        r" \ \forall i, j \ne y_i"
    ),
    source=source_of("kernel-svm-of-classes"),
    measurement=KERNEL_PHASE_OF_CLASSES,
)

FROZEN_DIRECTION = replace(
    frozen_direction.CLAIM,
    id="frozen-direction-of-classes",
    title="Before the transition the direction of theta does not move, for several classes",
    source=source_of("frozen-direction-of-classes"),
    measurement=KERNEL_PHASE_OF_CLASSES,
)

NORM_LAW = replace(
    norm_law.CLAIM,
    id="norm-law-of-classes",
    title="Before the transition |theta| = alpha e^(-lambda t), for several classes",
    source=source_of("norm-law-of-classes"),
    measurement=KERNEL_PHASE_OF_CLASSES,
)

CLAIMS = (KERNEL_SVM, FROZEN_DIRECTION, NORM_LAW)
