"""What can be pulled: the registry of sources, and their download."""
