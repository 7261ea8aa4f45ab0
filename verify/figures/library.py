"""One figure for each family of the library: its law, and what is often read in its place."""

from verify.figures.against import Against, figure_of

DRAWN = (
    Against(
        "conservation",
        "neuron-conservation",
        "balance of neurons over its scale",
        "neuron-conservation-without-degree",
    ),
    Against("linear_nets", "depth-escape", "escape time", "depth-escape-logarithmic"),
    Against("separable", "separable-margin-constant", "margin gap times log t", "log-samples"),
    Against("estimators", "grokking-delay", "delay", "asymptote"),
    Against(
        "softmax",
        "softmax-collapse",
        "gap of the loss, 1 added first",
        "softmax-collapse-in-any-order",
    ),
    Against(
        "neural_collapse",
        "neural-collapse-squared",
        "outputs of class means",
        "neural-collapse-squared-simplex",
    ),
    Against("noise", "label-noise-decay", "fall of log(u v)", "alike"),
    Against(
        "infinite_width",
        "kernel-of-finite-width",
        "deviation of K(x,x)",
        "kernel-of-finite-width-first-order",
    ),
    Against("kernel_ridge", "omniscient-risk", "test error", "not-amplified"),
    Against("homogeneous", "homogeneous-direction", "distance to the limit", "log"),
    Against("steepest", "steepest-descent-margin", "outputs short of gamma |w|", "euclidean"),
    Against(
        "relu",
        "clarke-kkt",
        "residual less that of the flow, within d",
        "kkt-without-kinks",
        effort=4,  # few nets end with a sample on a kink
    ),
    Against(
        "saddles",
        "saddle-to-saddle",
        "delay of jumps for each unit of l",
        "saddle-to-saddle-as-pursuit",
    ),
    Against(
        "decay",
        "decay-walks-on-interpolators",
        "distance from the limit falls like lambda",
        "small-decay-changes-nothing",
    ),
    Against("start_scale", "sparse-limit-rate", "excess of |w|_1", "logarithmic"),
    Against("catapult", "edge-of-stability-drift", "gain of H over eta", "no-slope"),
)

FIGURES = tuple(map(figure_of, DRAWN))
