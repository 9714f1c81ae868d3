"""Judges a test that somebody is writing: by running it on the project, and on wrong versions of what it tests."""
