"""Finds the modules of a project that a document imports. It resolves names to files, and runs and writes no file.

It stays inside the document's project, follows no link out of it, and skips files that the settings or an ignore file
(`.plumignore`, `.gitignore`) hide. Files and bytes are bounded. An outline is kept as long as its file is unchanged.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from plum_lsp.domain.project import Definition, Neighbour, Neighbourhood
from plum_lsp.domain.text import Document
from plum_lsp.project.files import read_text
from plum_lsp.project.privacy import private_paths
from plum_lsp.project.roots import path_of, readable_root
from plum_lsp.python.reading.imports import Import, imports_of
from plum_lsp.python.reading.outline import outline

MODULES_MAX = 12
"""The most imported modules that are read for a document."""
OPEN_MAX = 4
"""The most open documents that are read beside the imported ones. The last edited ones are chosen."""
LOOKUPS_MAX = 200
"""The most places that are searched for imported modules."""
FILE_BYTES_MAX = 256 * 1024
"""Longer modules are usually generated, or data."""
REEXPORTS_MAX = 3
"""The most packages that are followed because they only re-export a name."""
KEPT_MAX = 128
"""The most files whose outlines are kept."""


class NeighbourFiles:
    """Finds the neighbours of a document. Several threads may use it."""

    def __init__(self, *, exclude: Sequence[str]) -> None:
        self._private = private_paths(tuple(exclude))
        self._kept: OrderedDict[Path, tuple[tuple[int, ...], _Module]] = OrderedDict()
        self._lock = Lock()

    def near(
        self, document: Document, open_documents: Sequence[Document] = (), folders: Sequence[Path] = ()
    ) -> Neighbourhood:
        """The modules near a document. Blocks while it reads.

        Args:
            document: a document outside this machine or outside a project has no neighbours.
            open_documents: the editor's other open documents, last edited first. Their text takes precedence over the
            disk.
            folders: the editor's workspace. If there are none, the project sets the limit.
        """
        path = path_of(document.uri)
        root, is_marked = readable_root(path, folders) if path is not None else (None, False)
        if path is None or root is None:
            return Neighbourhood()
        search = _Search(self, root, path, _by_path(open_documents))
        found = search.imported(imports_of(document.text[:FILE_BYTES_MAX]))
        modules = [
            Neighbour(path=_named(place, root), definitions=search.module(place).definitions, imported=frozenset(names))
            for place, names in itertools.islice(found.items(), MODULES_MAX)
        ]
        if is_marked:
            modules += search.open_beside({*found, path})
        return Neighbourhood(path=_named(path, root), modules=tuple(modules))

    def read(self, path: Path, root: Path, open_text: str | None) -> _Module | None:
        """The definitions and imports of the module at `path`. None if there is no file, or if it may not be read.

        `open_text` is the editor's text of the file, if it is open.
        """
        try:
            state = path.stat()
        except (OSError, ValueError):
            return None
        if not self._private.may_read(path, root):
            return None
        if open_text is not None:
            seen: tuple[int, ...] = (hash(open_text), len(open_text))
            return self._outlined(path, seen, lambda: open_text)
        seen = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)
        return self._outlined(path, seen, lambda: read_text(path, bytes_max=FILE_BYTES_MAX))

    def _outlined(self, path: Path, seen: tuple[int, ...], text: Callable[[], str]) -> _Module:
        """The cached outline for this state of the file, or a new one."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is not None and kept[0] == seen:
                self._kept.move_to_end(path)
                return kept[1]
        module = _Module(text())
        with self._lock:
            self._kept[path] = (seen, module)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return module


class _Module:
    """The cached facts of a file: not its text, only the parts that a prompt may show."""

    def __init__(self, text: str) -> None:
        self.definitions: tuple[Definition, ...] = outline(text)
        self.imports: tuple[Import, ...] = imports_of(text)
        self.names = frozenset(one.name for one in self.definitions)


class _Search:
    """One search around a document."""

    def __init__(self, files: NeighbourFiles, root: Path, path: Path, open_texts: dict[Path, str]) -> None:
        self._files = files
        self._root = root
        self._path = path
        self._open = open_texts
        self._read: dict[Path, _Module | None] = {}

    def imported(self, imports: Sequence[Import]) -> dict[Path, set[str]]:
        """The files that define the imported names, in order, with the wanted names of each."""
        found: dict[Path, set[str]] = {}
        for one in imports:
            if len(found) >= MODULES_MAX or len(self._read) >= LOOKUPS_MAX:
                break
            self._follow(one, self._path, found, left=REEXPORTS_MAX)
        found.pop(self._path, None)
        return found

    def _follow(self, one: Import, importer: Path, found: dict[Path, set[str]], *, left: int) -> None:
        place = self._place(one.module, one.level, importer) if one.module or one.level else None
        if not one.names:
            if place is not None:
                found.setdefault(place, set()).add("*")
            return
        for name in one.names:
            module = self._read.get(place) if place is not None else None
            if place is not None and module is not None and (name == "*" or name in module.names):
                found.setdefault(place, set()).add(name)
                continue
            below = ".".join(filter(None, (one.module, name)))
            if name != "*" and (inner := self._place(below, one.level, importer)) is not None:
                found.setdefault(inner, set()).add("*")
            elif module is not None and place is not None and left:
                for passed in module.imports:
                    if name in passed.names:
                        self._follow(replace(passed, names=(name,)), place, found, left=left - 1)

    def _place(self, module: str, level: int, importer: Path) -> Path | None:
        """The file of a module within the project."""
        parts = module.split(".") if module else []
        for folder in self._folders(level, importer):
            whole = folder.joinpath(*parts)
            for place in (whole.with_suffix(".py") if parts else None, whole / "__init__.py"):
                if place is not None and self.module_or_none(place) is not None:
                    return place
        return None

    def _folders(self, level: int, importer: Path) -> Iterator[Path]:
        """The folders in which a module may begin, nearest first."""
        if level:
            yield from itertools.islice(importer.parents, level - 1, level)
            return
        for folder in importer.parents:
            if not folder.is_relative_to(self._root):
                break
            yield folder
        yield self._root / "src"

    def module_or_none(self, place: Path) -> _Module | None:
        """The definitions of the file. If the file is open, the editor's text is used."""
        if place not in self._read:
            if len(self._read) >= LOOKUPS_MAX or not place.is_relative_to(self._root):
                return None
            self._read[place] = self._files.read(place, self._root, self._open.get(place))
        return self._read[place]

    def module(self, place: Path) -> _Module:
        """The definitions of a file that was found before."""
        module = self._read[place]
        assert module is not None, "only files that could be read are found"
        return module

    def open_beside(self, known: set[Path]) -> Iterator[Neighbour]:
        """The other open modules of the project, last edited first."""
        beside = (place for place in self._open if place not in known and place.is_relative_to(self._root))
        for place in itertools.islice(beside, OPEN_MAX):
            if (module := self.module_or_none(place)) is not None:
                yield Neighbour(path=_named(place, self._root), definitions=module.definitions)


def _by_path(documents: Sequence[Document]) -> dict[Path, str]:
    """The texts of open documents by their files, in order. Other schemes and overlong texts are left out."""
    return {
        path: document.text
        for document in documents
        if len(document.text) <= FILE_BYTES_MAX and (path := path_of(document.uri)) is not None
    }


def _named(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
