"""From counts to what changed: reading, design, checks, differential tests, gene sets, findings."""
