"""APP: what perturbed genes do to the expression of all others, and what it must beat."""
