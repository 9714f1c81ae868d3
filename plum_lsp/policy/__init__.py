"""Where completions come from: models, the policy server, its client, and what makes a completion a candidate."""
