"""Genen: what a gene is like, learnt from what is written about it and what it interacts with."""
