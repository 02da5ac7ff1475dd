"""Benchmarks, metrics, baselines and the scoreboard."""
