"""Says that a file is written for a newer Python than the one that runs plum-lsp and so parses the file.

It knows the statements that begin differently: type parameters and the `type` statement (PEP 695). It does not parse.
"""

from __future__ import annotations

import re
import sys

from plum_lsp.python.reading.lines import mask

_TYPE_PARAMETERS = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+\w+[ \t]*\[|^[ \t]*type[ \t]+\w+[ \t]*(?:=(?!=)|\[[^\n=]*\][ \t]*=)",
    re.MULTILINE,
)
_SINCE = (3, 12)


def newer_syntax(source: str, running: tuple[int, ...] = sys.version_info[:2]) -> str:
    """What to add to the reason of a program that does not parse. Empty if the file shows no newer syntax."""
    if running >= _SINCE or not _TYPE_PARAMETERS.search(mask(source)):
        return ""
    own, needed = (".".join(map(str, version[:2])) for version in (running, _SINCE))
    return f" (the file has syntax of Python {needed}, and plum-lsp runs on {own}: install it with a newer Python)"
