"""Offers that no model writes: the sandbox computes them."""
