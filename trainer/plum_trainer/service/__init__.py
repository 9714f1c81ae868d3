"""The trainer as a service of the user's session: its unit files and its lock."""
