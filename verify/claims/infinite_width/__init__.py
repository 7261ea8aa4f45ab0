"""Wide nets: their kernels at finite width, and what moves while they train."""
