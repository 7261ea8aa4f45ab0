"""Early and late phases of nets of three to five classes: the laws of `early_late`, over margins.

Only instances differ: a problem of n samples and K classes is one of n (K - 1) margins
f_y - f_j, which the loss couples.
"""
