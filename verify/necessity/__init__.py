"""Which assumptions of the dichotomy theorems are needed, and for which of their conclusions.

For each assumption pairs of instances are searched that differ in it alone: a conclusion that fails
without it and holds with it, at the same size of error, shows that it is needed.
"""
