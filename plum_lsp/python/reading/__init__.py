"""Reads a buffer around the cursor: the enclosing function, what is in reach, the runnable program."""
