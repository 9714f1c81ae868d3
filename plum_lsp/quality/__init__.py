"""Signals beside correctness: security, complexity, length, needless slowness. Says nothing about right and wrong."""
