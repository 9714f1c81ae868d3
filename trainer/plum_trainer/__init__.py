"""The training side of plum-lsp: reads the store, writes adapters, imports nothing of the language server."""
