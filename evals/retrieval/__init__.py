"""Whether the text index finds what answers a question, and what an encoder costs."""
