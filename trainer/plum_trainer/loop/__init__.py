"""Rounds of training: when one begins, its steps, its history, and what is published."""
