"""One request from its plan to its answer, and what follows the answer."""
