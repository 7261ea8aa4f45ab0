"""Programs on this repository itself; they run from a clone and are not installed."""
