"""plum-lsp: code completions that were run before they are shown."""

__version__ = "0.1.0"
