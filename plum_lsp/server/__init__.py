"""The only package that knows LSP: reads requests, starts the pipeline, writes replies. Decides nothing about code."""
