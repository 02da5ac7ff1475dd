"""What drugs do to transcripts, told from what related drugs did in published screens."""
