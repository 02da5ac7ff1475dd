"""Encoders that no product path uses: other precisions, and shorter texts."""
