"""Listeners: they turn a run's events into lines, files and pages, and know no mathematics."""
