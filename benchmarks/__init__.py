"""Measures the figures in docs/benchmarks.md, as ratios to a baseline of the same run."""
