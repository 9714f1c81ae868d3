"""Gives the functions that print in a session their usual names. Pure. It runs no code."""

from __future__ import annotations

import re

_RENAMED = re.compile(r"\bfrom[ ]+pprint[ ]+import[ ]+pprint[ ]+as[ ]+(\w+)")


def with_usual_printer(sources: list[str]) -> list[str]:
    """The lines of a session with `pprint` under its own name, if they import it under another."""
    found = next(filter(None, map(_RENAMED.search, sources)), None)
    if found is None:
        return sources
    renamed = [source.replace(found[0], "from pprint import pprint") for source in sources]
    return [re.sub(rf"(?<![\w.]){found[1]}\(", "pprint(", source) for source in renamed]
