"""Where completions come from: models, published versions, the server that runs them, and its client."""
