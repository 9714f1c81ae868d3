"""Judges many lines of candidates, here or on a Ray cluster, and stores each row once."""
