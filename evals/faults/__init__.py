"""Damages files and plays bad days, and counts what Knockwise makes of them."""
