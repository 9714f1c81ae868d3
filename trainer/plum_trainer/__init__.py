"""The training side of plum-lsp: reads the store and writes adapters. It does not import the language server."""
