"""Steepest descent in five norms, sign descent and Adam: which margin they maximise."""
