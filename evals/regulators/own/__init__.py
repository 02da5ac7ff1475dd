"""Directions that somebody brings, scored on the regulators' consensus genes beside a run's."""
