"""From a group of candidates and what running them showed to tiers, probabilities and an order."""
