"""Experiments on theory: claims about it, instances drawn to break them, a judge, reports."""
