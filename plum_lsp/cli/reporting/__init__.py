"""The commands that tell what suggestions are worth."""
