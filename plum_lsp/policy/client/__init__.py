"""Asks a policy server for completions over HTTP."""
