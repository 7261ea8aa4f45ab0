"""Closed-form asymptotic predictions: times, orders, constants, finite-alpha bounds."""
