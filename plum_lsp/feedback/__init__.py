"""What became of an offer, and what is learned from it. Decides on values; the store keeps them."""
