"""The boundary to language models: everything that knows an LLM server is in here."""
