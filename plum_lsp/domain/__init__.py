"""The shared vocabulary: frozen values, ports and errors. Does no I/O and imports nothing else of ours."""
