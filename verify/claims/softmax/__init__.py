"""Softmax collapse: where a cross entropy in floating point is exactly zero."""
