"""Reads which names the Python files of a project import and define. It keeps what it read, and runs no code.

Files far from a document are many. They are skimmed line by line, which takes a tenth of the time of a parser.
"""

from __future__ import annotations

import ast
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from plum_lsp.project.files import read_text
from plum_lsp.project.privacy import ReadableFiles
from plum_lsp.python.reading.lines import parse
from plum_lsp.python.reading.sources import module_or_none

FILE_BYTES_MAX = 256 * 1024
"""Longer modules are usually generated, or data."""
KEPT_MAX = 2000
"""The most files whose names are kept."""
_IMPORT = re.compile(
    r"^[ \t]*((?:import[ \t]|from[ \t][^\n(;#\\]*?(?<!\w)import(?!\w))[^\n(;#\\]*(?:\([^()]*\))?)", re.MULTILINE
)
_DEFINED = re.compile(r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a file imports. `member` is empty for `import module`."""

    name: str
    module: str
    level: int
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that a file imports and defines at its top level, also in branches."""

    imports: tuple[Import, ...] = ()
    defined: frozenset[str] = frozenset()


class NameFiles:
    """The names of files by their paths. Several threads may use it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, bool], tuple[tuple[int, int], Names]] = OrderedDict()
        self._lock = Lock()

    def names(self, path: Path, readable: ReadableFiles, *, is_near: bool) -> Names:
        """The names of a file, read again if it has changed. Empty if it may not be read. Blocks."""
        try:
            stated = path.stat()
        except OSError:
            return Names()
        state = (stated.st_mtime_ns, stated.st_size)
        with self._lock:
            kept = self._kept.get((path, is_near))
        if kept is not None and kept[0] == state:
            return kept[1]
        text = read_text(path, bytes_max=FILE_BYTES_MAX) if readable.may_read(path) else ""
        names = _read(text) if is_near else skimmed(text)
        with self._lock:
            self._kept[path, is_near] = (state, names)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return names


def _read(text: str) -> Names:
    tree = module_or_none(text)
    imports: list[Import] = []
    defined: set[str] = set()
    for node in _statements(tree.body if tree is not None else []):
        imports += _imported(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return Names(imports=tuple(imports), defined=frozenset(defined))


def skimmed(text: str) -> Names:
    """The names by the lines that state them. Imports count at any depth, definitions at the start of a line."""
    statements = [found[1] for found in _IMPORT.finditer(text)]
    imports = (one for node in _parsed(statements) for one in _imported(node))
    defined = (found[1] or found[2] for found in _DEFINED.finditer(text))
    return Names(imports=tuple(imports), defined=frozenset(defined))


def _parsed(statements: Sequence[str]) -> Iterator[ast.stmt]:
    """The nodes of statements, without those that are none: a line of a docstring may look like an import.

    They are parsed together, which takes less time. Only if this fails, each is parsed alone.
    """
    together = parse("\n".join(statements))
    trees = [together] if together is not None else [parse(one) for one in statements]
    return (node for tree in trees if tree is not None for node in tree.body)


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that a module runs, also those in its branches."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _imported(node: ast.stmt) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for one in node.names:
            yield Import(name=one.asname or one.name.split(".")[0], module=one.name, level=0, member="")
    elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
        for one in node.names:
            if one.name != "*":
                yield Import(name=one.asname or one.name, module=node.module or "", level=node.level, member=one.name)
