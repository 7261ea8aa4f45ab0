"""What each number is, its value where the match is perfect or there is none, when to doubt it."""

from typing import Any, Final

SCALES: Final[dict[str, dict[str, Any]]] = {
    "direction_cosine": {
        "perfect": 1,
        "unrelated": 0,
        "means": "cosine of the weights with those of the start",
        "doubt": "says nothing of the function: weight decay takes it to 0 in any long run",
    },
    "normalized_margin": {
        "perfect": None,
        "unrelated": None,
        "means": "smallest margin over |theta|^L; for several classes over all pairs f_y - f_j",
        "doubt": "has no scale of its own; compare checkpoints of one run",
    },
    "kernel.drift": {
        "perfect": 0,
        "unrelated": 1,
        "means": "1 - cosine of the tangent kernels now and at the start (Fort et al. 2020)",
        "doubt": "kernels have large common parts: 0.1 is much; of random samples where there are "
        "more rows than --max-rows",
    },
    "kernel.alignment": {
        "perfect": 1,
        "unrelated": 0,
        "means": "<K, yy'> / |K| |yy'|, of signed margins (Cristianini et al. 2001)",
        "doubt": "not centred: a constant part of the kernel counts where classes are unequal",
    },
    "kernel.linearized_distance": {
        "perfect": 0,
        "unrelated": 1,
        "means": "what the outputs gained since the start, against the net linearised there at the "
        "same weights: |a - b| / sqrt(|a|^2 + |b|^2)",
        "doubt": "with weight decay the start is taken as far as it has shrunk",
    },
    "kernel.svm_distance": {
        "perfect": 0,
        "unrelated": 1,
        "means": "the way of the weights from the start, against the kernel machine of the start "
        "(SVM; minimum-norm regression for the squared loss): sqrt(1 - cosine)",
        "doubt": "approached like 1/log of the loss: 0.3 is near; a start with outputs of its own "
        "moves it",
    },
    "kkt.stationarity": {
        "perfect": 0,
        "unrelated": 1,
        "means": "what the best multipliers leave of theta, |theta - sum m grad q| / |theta|",
        "doubt": "an upper bound, kkt.lower one from below; at kinks of rectifiers kkt.clarke is "
        "the one to read",
    },
    "kkt.complementarity": {
        "perfect": 0,
        "unrelated": 1,
        "means": "1 - smallest margin over their mean, weighted as the loss does",
        "doubt": "falls like log n over the margin only; 1 or more while a margin is negative",
    },
    "kkt.feasibility": {
        "perfect": 0,
        "unrelated": 1,
        "means": "how negative the worst margin is, over the largest (for targets: largest misfit)",
        "doubt": "0 says that all samples are right, not that margins are large",
    },
    "conserved.deviation": {
        "perfect": 0,
        "unrelated": 1,
        "means": "balances of layers against e^(-2 lambda t) times the start's, over their sizes",
        "doubt": "of gradient flow: steps add their square, Adam keeps nothing of it",
    },
    "collapsed_fraction": {
        "perfect": 0,
        "unrelated": 1,
        "means": "share of samples whose float32 loss is exactly 0 and that no longer train",
        "doubt": "of float32 outputs rounded from float64; bfloat16 collapses far sooner",
    },
}
