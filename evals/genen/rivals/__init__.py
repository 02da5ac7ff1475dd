"""Predictors of gene properties that are scored and not shipped."""
