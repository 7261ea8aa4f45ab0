"""Large steps: an exact map with its threshold, its limits, and a toy of the edge of stability."""
