"""Logistic regression on separable data: constants of its limits, and the degenerate case."""
