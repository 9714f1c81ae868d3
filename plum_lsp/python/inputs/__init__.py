"""Inputs for a function that has no tests: from types, examples, names and the candidates themselves."""
