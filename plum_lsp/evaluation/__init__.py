"""Measures the policy and the verifier on benchmark rows. It only reports."""
