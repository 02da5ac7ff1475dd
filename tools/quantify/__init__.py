"""From reads to counts: salmon or kallisto, and fastp, run as they are installed."""
