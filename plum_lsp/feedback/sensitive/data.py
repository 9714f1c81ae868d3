"""Reads two data files: the meaning of words (`words.toml`) and the formats of keys (`formats.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


def words(name: str) -> frozenset[str]:
    """One of the lists of `words.toml`."""
    return frozenset(str(read("words.toml")[name]).split())


@cache
def read(name: str) -> dict[str, Any]:
    """The raw text of a file."""
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
