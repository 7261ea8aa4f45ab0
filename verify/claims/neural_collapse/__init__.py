"""Neural collapse of unconstrained features: closed forms, a threshold, and the role of a bias."""
