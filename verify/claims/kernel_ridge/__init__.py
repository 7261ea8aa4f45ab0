"""Kernel ridge regression on random data: risks from eigenvalues alone, and how well they serve."""
