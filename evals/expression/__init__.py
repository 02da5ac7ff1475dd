"""How well responses of expression are predicted, beside the baselines that beat deep models."""
