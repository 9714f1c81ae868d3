"""The project of a document. It is found by reading files and trusted by its user. The package executes no code."""
