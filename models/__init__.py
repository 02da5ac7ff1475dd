"""Trained models, their training and their shipped weights."""
