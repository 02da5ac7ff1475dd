"""The published network of expression responses and its extension: scored, and not shipped."""
