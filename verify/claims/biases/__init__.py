"""Biases of the output and of hidden layers: parts of a lower degree than the rest of the net."""
