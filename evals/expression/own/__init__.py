"""Predicted responses that somebody brings, scored beside those of a run on the same rows."""
