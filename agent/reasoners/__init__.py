"""Reasoners: one protocol, one graph; the evidence policy is the embedded default."""
