"""Everything that knows the Python language: reading, fitting completions, tests and inputs. Runs no code."""

from plum_lsp.python.parsing import parse_one_at_a_time

parse_one_at_a_time()
