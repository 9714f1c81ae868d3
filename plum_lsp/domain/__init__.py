"""The shared vocabulary: frozen values, ports and errors. It does no I/O and imports no other package of plum-lsp."""
