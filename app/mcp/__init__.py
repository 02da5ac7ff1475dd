"""Knockwise for chat clients: an MCP server whose tools are as big as one biological decision."""
