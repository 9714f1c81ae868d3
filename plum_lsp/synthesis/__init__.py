"""Makes tests for a request that came with none. Runs nothing: the sandbox does."""
