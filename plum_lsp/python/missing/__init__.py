"""The imports that a candidate lacks: what its names stand for, and the statements that import them."""
