"""Answers to questions that no single cascade answers, a file for each kind."""
