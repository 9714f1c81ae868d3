"""Compares ways to learn on benchmark tasks: the same first samples, one way each, judged by tests it never sees."""
