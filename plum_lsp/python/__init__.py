"""Everything that knows the Python language: reading, fitting completions, tests and inputs. Runs no code."""
