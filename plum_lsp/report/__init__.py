"""Output for people: an offer's evidence in words, and all output to a terminal. It does not know editors."""
