"""Are the mechanisms right? The hypotheses themselves scored, beside controls."""
