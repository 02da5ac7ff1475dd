"""The story of an answer in sentences, each of which says what it follows from."""
