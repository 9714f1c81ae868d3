"""Leaves single files out of the places that a child may open. Landlock rules can only add, so folders are split up."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from typing import Any

_READ_FOLDER = 1 << 3
"""The right to list a folder (LANDLOCK_ACCESS_FS_READ_DIR in linux/landlock.h). A file cannot have it."""
_CACHE = "__pycache__"


def divided(
    opened: list[tuple[str, int, int]], hidden: list[str]
) -> tuple[list[tuple[str, int]], list[tuple[int, int]]]:
    """Places with their descriptors and rights: paths of those that show a hidden file, descriptors of the others."""
    split = [one for one in opened if one[2] != _READ_FOLDER and any(_shows(one[0], file) for file in hidden)]
    return [(path, rights) for path, _, rights in split], [one[1:] for one in opened if one not in split]


def without(rules: list[tuple[str, int]], hidden: list[str]) -> list[tuple[str, int]]:
    """The rules for all that `rules` show but the hidden files, which are Python's, and what was compiled from them."""
    kept: list[tuple[str, int]] = []
    for path, rights in rules:
        _add(path, rights, hidden, kept)
    return kept


def _add(path: str, rights: int, hidden: list[str], kept: list[tuple[str, int]]) -> None:
    """Add a place. A folder with hidden files in it is replaced by its entries."""
    if any(_is_hidden(path, file) for file in hidden):
        return
    inside = [file for file in hidden if _holds(path, file)]
    if not inside or not os.path.isdir(path):
        kept.append((path, rights))
        return
    kept.append((path, rights & _READ_FOLDER))
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.is_symlink():
                _add(entry.path, rights if entry.is_dir() else rights & ~_READ_FOLDER, inside, kept)


def _shows(path: str, file: str) -> bool:
    return _holds(path, file) or _is_hidden(path, file)


def _holds(folder: str, file: str) -> bool:
    """Whether a file, or what Python keeps of it, lies below a folder."""
    above = os.path.dirname(file)
    return file.startswith(folder.rstrip("/") + "/") or folder == os.path.join(above, _CACHE)


def _is_hidden(path: str, file: str) -> bool:
    """Whether a path is a hidden file, or what Python keeps of it: `__pycache__/NAME.….pyc`."""
    if path == file:
        return True
    folder, name = os.path.split(file)
    stem = name.rpartition(".")[0] + "."
    return path == file + "c" or path.startswith(os.path.join(folder, _CACHE, stem))


def forget_texts(hidden: list[str]) -> None:
    """Take the docstrings from modules that were imported from hidden files, such as copies of the document.

    The document itself was imported from a text without examples.
    """
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        is_document = getattr(getattr(module, "__loader__", None), "has_text", False)
        if isinstance(path, str) and path in hidden and not is_document:
            _forget(module, path, 4)
    if "linecache" in sys.modules:
        for path in hidden:
            sys.modules["linecache"].cache.pop(path, None)


def _forget(thing: Any, path: str, depth: int) -> None:
    """Take the docstrings from a module, a class or a function, and from what it holds."""
    with contextlib.suppress(AttributeError, TypeError):
        thing.__doc__ = None
    for part in list(vars(thing).values()) if depth else ():
        function = getattr(part, "__func__", None) or getattr(part, "fget", None) or part
        if isinstance(function, types.FunctionType) and function.__code__.co_filename == path:
            _forget_in(function)
        elif isinstance(part, type) and part.__module__ == getattr(thing, "__module__", thing.__name__):
            _forget(part, path, depth - 1)


def _forget_in(function: types.FunctionType) -> None:
    code, text = function.__code__, function.__doc__
    if text is not None and text in code.co_consts[:1]:
        function.__code__ = code.replace(co_consts=("", *code.co_consts[1:]))
    function.__doc__ = None
