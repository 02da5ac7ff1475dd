"""Readers of the upstream file formats; each yields records in the file's own symbols."""
