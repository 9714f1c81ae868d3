"""What runs inside the jail: standard library only, any CPython from 3.9. Never imports the rest of `plum_lsp`.

Nothing here decides a verdict. A candidate shares its process with `child` and `encode` and can break both; all it
gains is a wrong answer of its own, because expected values and comparison live outside (`sandbox.judge`).
"""
