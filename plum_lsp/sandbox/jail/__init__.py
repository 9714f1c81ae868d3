"""The code that runs inside the jail: standard library only, any CPython from 3.9.

It imports no other part of `plum_lsp`.

The code here decides no verdict. A candidate shares its process with `child` and `encode` and can break both. Then it
only gets a wrong answer of its own, because expected values and comparison are outside (`sandbox.judge`).
"""
