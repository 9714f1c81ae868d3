"""llama.cpp as a policy server: adapters as GGUF, one process a version, one address in front of them."""
