"""Which assumptions are needed, and for which claims.

For each assumption that can be violated pairs of instances are drawn that differ in it alone; every
claim is judged on both by its own laws. One that fails without the assumption and holds with it
needs it.
"""
