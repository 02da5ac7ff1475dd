"""Scores answers about regulators, which users ask about and the screens hardly perturbed."""
