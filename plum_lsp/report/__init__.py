"""Says in words what was found about an offer. Knows no editor and no terminal."""
