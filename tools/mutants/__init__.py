"""Single faults in `theory/`, and which claim or test notices each.

    python -m tools.mutants --jobs 2 --table docs/mutants.md

puts each fault of `mutants.toml` into a copy of the packages, runs the claims that must be
falsified under it, and the unit tests where none is.
"""
