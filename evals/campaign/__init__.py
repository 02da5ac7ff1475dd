"""A simulated campaign: which order of perturbations teaches a predictor fastest."""
