"""Reads tests that people wrote: doctests, examples in words, and the project's own test files."""
