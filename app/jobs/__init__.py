"""The work behind commands that read and write tables."""
