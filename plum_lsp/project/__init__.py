"""The project a document belongs to: found by reading files, trusted by its user. Nothing here executes anything."""
