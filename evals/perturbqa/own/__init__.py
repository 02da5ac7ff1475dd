"""Predictions that somebody brings, scored beside Knockwise and every control on the same rows."""
