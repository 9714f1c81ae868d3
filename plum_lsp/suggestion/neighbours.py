"""Chooses excerpts of a project's other modules for the prompt, within a budget. Pure: the caller reads the files.

The choice depends on the imports of the document, on the open documents and on the header of the function at the
cursor. It never depends on the body that is being typed. This part of the prompt therefore stays the same from key to
key, and the prefix cache of the model server stays valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plum_lsp.domain.project import Definition, Excerpt, Neighbour, Neighbourhood, TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.python.reading.window import estimated_tokens

TEST_FILES_MAX = 3
TEST_LINES_MAX = 24
"""The most lines of one test function. The first asserts show how the function is called."""
_WORDS = re.compile(r"[^\W\d]\w*")
_TEST = re.compile(r"^(?P<indent>[ \t]*)(?:async[ \t]+)?def[ \t]+test\w*", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """An excerpt that could be shown. Lower ranks are chosen first. `place` gives the order in the prompt."""

    rank: tuple[int, ...]
    place: tuple[int, int]
    path: str
    text: str


def excerpts_of(
    neighbourhood: Neighbourhood, tests: Sequence[TestFile], context: Context, *, tokens: int
) -> tuple[Excerpt, ...]:
    """The excerpts of the neighbourhood and of the tests of the function at the cursor, in at most about `tokens`.

    Imported names in the function's own header come first, then other imported names, the function's tests, definitions
    that the imported ones mention, and last the definitions of open modules. The chosen excerpts keep the order of the
    modules. The tests stand at the end, because they change when the cursor moves to another function.
    """
    pieces = [*_imported(neighbourhood.modules, _header_names(context)), *_open(neighbourhood.modules)]
    pieces += _tests(tests, context, after=len(neighbourhood.modules))
    chosen, left = [], tokens
    for piece in sorted(pieces, key=lambda piece: (piece.rank, piece.place)):
        cost = estimated_tokens(piece.text + "\n\n")
        if cost <= left:
            left -= cost
            chosen.append(piece)
    shown: dict[str, list[str]] = {}
    for piece in sorted(chosen, key=lambda piece: piece.place):
        shown.setdefault(piece.path, []).append(piece.text)
    return tuple(Excerpt(path=path, text="\n\n".join(texts)) for path, texts in shown.items())


def _header_names(context: Context) -> frozenset[str]:
    function = context.function
    if function is None:
        return frozenset()
    return frozenset(_WORDS.findall(f"{function.signature} {function.docstring} {' '.join(function.decorators)}"))


def _imported(modules: Sequence[Neighbour], wanted: frozenset[str]) -> Iterable[_Piece]:
    """The imported definitions, and those that they mention of their own module: types of arguments, base classes."""
    for place, module in enumerate(modules):
        taken = [one for one in module.definitions if _is_imported(one, module)]
        mentioned = frozenset().union(*(one.mentions for one in taken if one.name in module.imported))
        for definition in module.definitions:
            if not module.imported:
                continue
            if definition in taken:
                rank = (0 if definition.name in wanted else 1, place)
            elif definition.name in mentioned:
                rank = (3, place)
            else:
                continue
            yield _piece(rank, place, module, definition)


def _is_imported(definition: Definition, module: Neighbour) -> bool:
    is_public = not definition.name.startswith("_")
    return definition.name in module.imported or ("*" in module.imported and is_public)


def _open(modules: Sequence[Neighbour]) -> Iterable[_Piece]:
    """The definitions of modules that are open but not imported. The user probably opened them for a reason."""
    for place, module in enumerate(modules):
        for definition in module.definitions if not module.imported else ():
            if not definition.name.startswith("_"):
                yield _piece((4, place), place, module, definition)


def _piece(rank: tuple[int, ...], place: int, module: Neighbour, definition: Definition) -> _Piece:
    return _Piece(rank=rank, place=(place, definition.offset), path=module.path, text=definition.text)


def _tests(files: Sequence[TestFile], context: Context, *, after: int) -> Iterable[_Piece]:
    """The test functions that name the function at the cursor."""
    if context.function is None:
        return
    name = context.function.name
    if name == "__init__" and context.function.class_name:
        name = context.function.class_name.split(".")[-1]
    for place, file in enumerate(files[:TEST_FILES_MAX]):
        for start, text in _test_functions(file.text):
            if re.search(rf"\b{re.escape(name)}\b", text):
                yield _Piece(rank=(2, place), place=(after + place, start), path=file.path, text=text)


def _test_functions(text: str) -> Iterable[tuple[int, str]]:
    """Each test function's offset and its first lines, without the indentation they share."""
    for found in _TEST.finditer(text):
        indent = found["indent"]
        lines = [text[found.start() : _line_end(text, found.start())]]
        position = _line_end(text, found.start()) + 1
        while position < len(text) and len(lines) < TEST_LINES_MAX:
            end = _line_end(text, position)
            line = text[position:end]
            if line.strip() and len(line) - len(line.lstrip()) <= len(indent):
                break
            lines.append(line)
            position = end + 1
        yield found.start(), "\n".join(line.removeprefix(indent) for line in lines).rstrip()


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
