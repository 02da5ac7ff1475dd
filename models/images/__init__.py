"""Learnt phenotypes of cells: an encoder of their pictures, and a decoder back to pictures."""
