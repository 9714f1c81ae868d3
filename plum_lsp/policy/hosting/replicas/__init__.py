"""One address in front of several servers of the same model, on this machine or others."""
