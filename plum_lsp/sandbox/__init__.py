"""The jail where model-written code runs, and the trusted side that judges it from inert values."""
