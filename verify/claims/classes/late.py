"""Several classes at the transition and after it: when the direction turns, and KKT over pairs.

The laws and constants are those of two classes, and so are the rivals.
"""

from dataclasses import replace

from verify.claims.classes.measurements import LATE_PHASE_OF_CLASSES, TRANSITION_OF_CLASSES
from verify.claims.early_late import kkt, sharp_transition
from verify.registry import source_of

KKT = replace(
    kkt.CLAIM,
    id="kkt-of-classes",
    title="After t_g theta satisfies the KKT conditions of the multi-class max-margin problem",
    statement=(
        r"\min_{t \in [t_g, (1+c) t_g]} \frac{\|\dot\theta(t)\|}{\lambda\|\theta(t)\|}"
        r" = O\!\left(\frac{1}{\sqrt{c \log\alpha}}\right), \quad"
        r" 1 - \frac{q_{\min}}{\bar q} \le \frac{\log n(K-1)}{\bar q}, \quad"
        r" \text{KKT of } \min \|\theta\|^2 \text{ s.t. }"
        r" f_{y_i}(\theta; x_i) - f_j(\theta; x_i) \ge 1 \ \forall i, j \ne y_i"
    ),
    source=source_of("kkt-of-classes"),
    measurement=LATE_PHASE_OF_CLASSES,
    tolerances=(
        *(line for line in kkt.CLAIM.tolerances if not line.startswith("complementarity")),
        "complementarity: log n(K-1) / mean margin (plus (K-1) e^-q_min, cross-entropy), and "
        "exactly the difference of the multipliers' entropies over the mean margin",
    ),
)

SHARP_TRANSITION = replace(
    sharp_transition.CLAIM,
    id="sharp-transition-of-classes",
    title="The transition of several classes is sharp, at t_g = log(alpha) / lambda",
    source=source_of("sharp-transition-of-classes"),
    measurement=TRANSITION_OF_CLASSES,
)

CLAIMS = (KKT, SHARP_TRANSITION)
