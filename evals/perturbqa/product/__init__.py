"""What `ask` and `predict` answer, scored on the official test rows."""
