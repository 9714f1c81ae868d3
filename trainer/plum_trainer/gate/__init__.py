"""Whether a fitted adapter is good enough to be published, and whether a published one stays."""
