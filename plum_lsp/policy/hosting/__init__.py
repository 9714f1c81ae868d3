"""Starts policy servers, embedded in one editor or shared by all, and keeps them running."""
