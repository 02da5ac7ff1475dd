"""Scores predictions of what drugs do, within genes and across drugs that were held out."""
