"""Gradient descent beside the flow that theorems are proved for."""
