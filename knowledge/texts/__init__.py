"""The text index: documents, their encoder, the index on disk, and the search in it."""
