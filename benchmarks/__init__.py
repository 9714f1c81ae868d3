"""What the figures in docs/benchmarks.md are measured with: ratios against a baseline of the same run."""
