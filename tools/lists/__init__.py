"""What to make of a list of genes: explain it, find its cause, and search what was predicted."""
