"""Fits adapters and samples from them in child processes, the only ones that load torch."""
