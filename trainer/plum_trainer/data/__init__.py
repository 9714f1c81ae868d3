"""What is trained on and what is held out: rows, prompts, benchmark rows."""
