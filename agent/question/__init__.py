"""Reads a question in words; `reading.py` is the front door."""
