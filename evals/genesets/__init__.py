"""Benchmarks about gene sets: which ones a knockdown changes, and what to call one."""
