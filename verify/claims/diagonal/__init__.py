"""Diagonal nets: L2 maximum margin before the transition, L1 and its kin after it."""
