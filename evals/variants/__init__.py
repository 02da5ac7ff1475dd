"""What was tried for the response model, and what it gave on held-out training perturbations."""
