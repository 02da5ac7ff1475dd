"""Whether counts are analysed as R does it, and whether a report says what its tables say."""
