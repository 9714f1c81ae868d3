"""The only package that knows LSP: it reads requests, starts the pipeline and writes replies.

It does not judge code.
"""
