"""The map from a project's tests to the functions that they call, made by a run of its suite in the background."""
