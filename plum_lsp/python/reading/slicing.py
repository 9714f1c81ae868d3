"""Finds the part of a module that one of its statements needs: definitions, imports and bindings, one through another.

It is for a file that does not run as a whole: a script that asks for input, an endless loop, a package that is missing.
A module is read by its symbol tables. No code runs.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import chunks, mask, parse
from plum_lsp.python.reading.program import reference_program

_ALWAYS = "*"
"""Stands for names that cannot be read: those of a star import."""
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A top-level statement: the names that it binds, and those of the module that it uses.

    `changes` are the names of objects that it changes by a call of a method, or by an assignment to a part.
    """

    span: Span
    binds: frozenset[str]
    uses: frozenset[str]
    changes: frozenset[str] = frozenset()
    is_future: bool = False


@dataclass(frozen=True)
class Slices:
    """The parts of a module that the statement around the hole may need. It is read once for all candidates."""

    context: Context
    also: frozenset[str] = frozenset()
    """Names that are needed besides: those that the tests use."""

    def around(self, text: str) -> Context:
        """The context with only what the statement around the hole needs when `text` is in the hole."""
        return self._with(self.needed(text))

    def needed(self, text: str) -> tuple[int, ...]:
        """The statements that are needed when `text` is in the hole, by their place in the file."""
        whole = self._whole
        head, tail = whole[self._region.start : self._hole], whole[self._hole : self._region.end]
        found = _names(head + text + tail)
        if found is None:
            alone = replace(self.context, before=head, after=tail)
            found = _names(reference_program(alone).source)
        binds, uses = found or (frozenset(), frozenset())
        return self._closure((uses | self.also) - binds)

    @cached_property
    def _whole(self) -> str:
        return self.context.before + self.context.after

    @property
    def _hole(self) -> int:
        return len(self.context.before)

    @cached_property
    def _chunks(self) -> Sequence[Span]:
        return chunks(mask(self._whole))

    @cached_property
    def _region(self) -> Span:
        """The top-level statement with the hole."""
        place = max(0, self._hole - 1)
        return next((span for span in reversed(self._chunks) if span.start <= place), Span(start=0, end=self._hole))

    @cached_property
    def _pieces(self) -> Sequence[_Piece]:
        others = (span for span in self._chunks if span != self._region)
        return [piece for span in others for piece in _read(self._whole[span.start : span.end], span)]

    def _closure(self, names: frozenset[str]) -> tuple[int, ...]:
        """The pieces that bind these names, and what these pieces need. A change counts only above the hole."""
        chosen = {place for place, piece in enumerate(self._pieces) if piece.is_future}
        known = _BUILTINS.union(*(piece.binds for piece in self._pieces))
        wanted, pending = set(names), True
        while pending:
            pending = False
            for place, piece in enumerate(self._pieces):
                is_above = piece.span.end <= self._region.start
                found = piece.binds & wanted or (piece.changes & wanted if is_above else frozenset())
                if _ALWAYS in piece.binds:
                    found |= wanted - known
                if place not in chosen and found:
                    chosen.add(place)
                    wanted |= piece.uses
                    pending = True
        return tuple(sorted(chosen))

    def _with(self, chosen: Sequence[int]) -> Context:
        spans = [self._pieces[place].span for place in chosen]
        whole, region = self._whole, self._region
        above = "".join(_ended(whole[span.start : span.end]) for span in spans if span.end <= region.start)
        below = "".join(_ended(whole[span.start : span.end]) for span in spans if span.start >= region.end)
        before = above + whole[region.start : self._hole]
        return replace(
            self.context, before=before, after=_ended(whole[self._hole : region.end]) + below, is_excerpt=True
        )


def _ended(statement: str) -> str:
    return statement if not statement or statement.endswith("\n") else statement + "\n"


def _read(source: str, span: Span) -> Iterator[_Piece]:
    """The statement as a piece, if it parses and binds or changes something."""
    tree = parse(source)
    names = _names(source) if tree is not None else None
    if tree is None or names is None:
        return
    binds, uses = names
    changes = frozenset(name for node in tree.body for name in _changed(node))
    is_future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in tree.body):
        binds |= {_ALWAYS}
    if binds or changes:
        yield _Piece(span=span, binds=binds, uses=uses, changes=changes, is_future=is_future)


def names_used(source: str) -> frozenset[str]:
    """The names that some statements use and do not bind. Empty if they do not parse."""
    binds, uses = _names(source) or (frozenset(), frozenset())
    return uses - binds


def _names(source: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The names that a top-level statement binds and those of the module that it uses. None if it does not parse."""
    try:
        with warnings.catch_warnings(action="ignore"):
            table = symtable.symtable(source, "program.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    symbols = table.get_symbols()
    binds = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported() or one.is_namespace()}
    uses = {one.get_name() for one in symbols if one.is_referenced()}
    pending = list(table.get_children())
    while pending:
        inner = pending.pop()
        pending.extend(inner.get_children())
        globals_here = [one for one in inner.get_symbols() if one.is_global()]
        uses |= {one.get_name() for one in globals_here if one.is_referenced()}
        binds |= {one.get_name() for one in globals_here if one.is_assigned() and one.is_declared_global()}
    return frozenset(binds), frozenset(uses)


def _changed(node: ast.stmt) -> Iterator[str]:
    """The names whose objects a statement changes: `NAME.method(…)`, `NAME[…] = …`, `NAME.part = …`."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute() as part)):
            yield from _root(part)
        case ast.Assign(targets=targets):
            for target in targets:
                if isinstance(target, ast.Attribute | ast.Subscript):
                    yield from _root(target)


def _root(part: ast.expr) -> Iterator[str]:
    while isinstance(part, ast.Attribute | ast.Subscript):
        part = part.value
    if isinstance(part, ast.Name):
        yield part.id
