"""What a language model is for: reading odd questions, choosing branches, proposing, telling."""
