"""Stores of several people: where they share facts, and how the facts of many come together."""
