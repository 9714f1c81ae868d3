"""One request, from the cursor to an offer or an abstention."""
