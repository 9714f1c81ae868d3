"""How good the policy and the verifier are, measured on benchmark rows. Only reports."""
