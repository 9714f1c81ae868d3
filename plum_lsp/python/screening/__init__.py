"""Decides whether the verdict of a test beside a candidate can be believed: refuses means to forge it."""
