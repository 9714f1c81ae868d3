"""Turns a completion into a candidate: cuts it to its block, trims it to fit, and reads it for problems."""
