"""Homogeneous nets without weight decay, up to losses of e^-100000."""
