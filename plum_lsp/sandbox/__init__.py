"""The sandbox for code that a model wrote, and the trusted side that judges it from inert values."""
