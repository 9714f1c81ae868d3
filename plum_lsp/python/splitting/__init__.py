"""Takes tests apart: what the candidate does, and what is computed and judged without it."""
