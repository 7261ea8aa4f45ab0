"""Vanishing starts: from saddle to saddle, and one rank after the other."""
