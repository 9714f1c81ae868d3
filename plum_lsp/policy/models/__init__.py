"""Models and their files: which there are, how they get onto this machine, what their headers say."""
