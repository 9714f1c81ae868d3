"""The server with a bug: `python with_bug.py MODULE FUNCTION serve` raises where a step calls that function."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

from plum_lsp.cli import main

SECRET = "def secret_source"


def broken(*_: object, **__: object) -> NoReturn:
    """Raise what the parser of two threads once raised. The message quotes source text."""
    raise SystemError(f"AST constructor recursion depth mismatch in {SECRET}")


if __name__ == "__main__":
    module, function = sys.argv[1:3]
    del sys.argv[1:3]
    importlib.import_module("plum_lsp.wiring")
    setattr(importlib.import_module(module), function, broken)
    main()
