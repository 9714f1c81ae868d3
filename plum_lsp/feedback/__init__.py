"""Derives the outcome of an offer and the training data from it. It decides on values. The store keeps them."""
