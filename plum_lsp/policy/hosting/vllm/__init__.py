"""vLLM as a policy server: the process that is kept running, and the plug-in it loads."""
