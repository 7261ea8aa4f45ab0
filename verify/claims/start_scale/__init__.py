"""Diagonal nets from small and from large starts: rates and constants of their limits."""
