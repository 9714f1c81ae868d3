"""What stands between people and an engine: keys, limits, fairness, and the count of what each key uses."""
