"""Reads the imports of a module, also if it does not parse. It does not look for files and does not import modules."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from plum_lsp.python.reading.lines import mask, parse

IMPORTS_MAX = 100
"""The most imports that are read from one module. Only generated modules have more."""
STATEMENT_CHARACTERS_MAX = 4000
"""A longer list of imported names is not read, because it is generated."""
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t][^\n(;]*", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """`from module import names`, or `import module` with no names. `level` counts the leading dots.

    "*" among the names stands for all of them.
    """

    module: str
    names: tuple[str, ...]
    level: int = 0


def imports_of(text: str) -> tuple[Import, ...]:
    """The imports of a module at any depth, in order and each once. An incomplete one is left out."""
    masked = mask(text)
    found: dict[Import, None] = {}
    for statement in _IMPORT.finditer(masked):
        end = statement.end()
        if masked[end : end + 1] == "(":
            close = masked.find(")", end, end + STATEMENT_CHARACTERS_MAX)
            end = close + 1 if close >= 0 else end
        found.update(dict.fromkeys(_read(masked[statement.start() : end].strip())))
        if len(found) >= IMPORTS_MAX:
            break
    return tuple(found)[:IMPORTS_MAX]


def _read(statement: str) -> list[Import]:
    tree = parse(statement)
    found = []
    for node in tree.body if tree is not None else []:
        if isinstance(node, ast.Import):
            found += [Import(module=alias.name, names=()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(Import(module=node.module or "", names=names, level=node.level))
    return found
