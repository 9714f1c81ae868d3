"""What people are told: an offer's evidence in words, and the one way to a terminal. Knows no editor."""
