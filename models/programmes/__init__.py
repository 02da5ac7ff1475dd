"""Programmes: sets of readouts that answer together, learnt from the screens."""
