"""The files of a user's project: which may be read, and which modules and tests belong to a document. Runs nothing."""
