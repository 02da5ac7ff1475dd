"""The LangGraph agent: how a question travels to an answer."""
