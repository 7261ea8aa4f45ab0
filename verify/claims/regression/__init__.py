"""Theorems on the squared loss: kernel regression early, minimum norm late."""
