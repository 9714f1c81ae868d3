"""Runs documents of a project as the modules they are, and the project's own tests."""
