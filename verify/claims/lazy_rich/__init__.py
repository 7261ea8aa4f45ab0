"""Claims on laziness: grokking of committee machines between the lazy and the rich limit."""
