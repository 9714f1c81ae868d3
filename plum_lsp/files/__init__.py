"""Files that a reader finds whole: the old content or the new, and no part of either."""
