"""Computes the arguments of calls without the candidate and sends them as data, for names that both sides need.

In `case = read(); assert f(case.input) == case.output` the candidate may only see `case.input`. The arguments of calls
are therefore removed from the code that runs with the candidate. Only plain data can be sent this way.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace

from plum_lsp.python.splitting.dataflow import lines_of, names_in
from plum_lsp.python.splitting.history import History
from plum_lsp.python.splitting.own import Own


@dataclass(slots=True, kw_only=True)
class Given(ast.NodeTransformer):
    """Replaces each argument that can be computed beforehand by a name. `sources` are the replaced expressions."""

    own: Own
    names: Set[str]
    sources: list[ast.expr] = field(default_factory=list)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of the function with names as its arguments."""
        if self.own.is_call(node):
            node.args = [self._argument(argument) for argument in node.args]
            for keyword in node.keywords:
                keyword.value = self._argument(keyword.value)
        self.generic_visit(node)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """`[f(x) for x, wanted in cases]` as `[f(x) for (x,) in …]`. The candidate must not see the other columns."""
        bound = frozenset[str]().union(*(names_in(part.target)[1] for part in node.generators))
        needed = sorted(names_in(node.elt)[0] & bound)
        read = [part for generator in node.generators for part in (generator.iter, *generator.ifs)]
        if not needed or not all(self._is_known(part, bound) for part in read):
            self.generic_visit(node)
            return node
        row = ast.Tuple(elts=[ast.Name(id=name, ctx=ast.Load()) for name in needed], ctx=ast.Load())
        rows = self._name(ast.ListComp(elt=row, generators=node.generators))
        target = ast.Tuple(elts=[ast.Name(id=name, ctx=ast.Store()) for name in needed], ctx=ast.Store())
        generator = ast.comprehension(target=target, iter=rows, ifs=[], is_async=0)
        return ast.ListComp(elt=self.visit(node.elt), generators=[generator])

    def _argument(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Starred):
            node.value = self._argument(node.value)
            return node
        return self._name(node) if names_in(node)[0] and self._is_known(node, frozenset()) else node

    def _is_known(self, node: ast.expr, bound: Set[str]) -> bool:
        return not self.own.is_mentioned(node) and names_in(node)[0] - bound <= self.names

    def _name(self, node: ast.expr) -> ast.expr:
        self.sources.append(node)
        return ast.Name(id=f"_given{len(self.sources) - 1}", ctx=ast.Load())

    @property
    def expression(self) -> str:
        """All arguments, as one tuple."""
        return ast.unparse(ast.Tuple(elts=self.sources, ctx=ast.Load()))

    @property
    def unpacking(self) -> str:
        """The statement that binds the arguments to their names again."""
        return f"({', '.join(f'_given{place}' for place in range(len(self.sources)))},) = _"


def known_names(history: History, surface_names: Set[str]) -> frozenset[str]:
    """The names whose values can be had before any call of the function, and are not changed by one."""
    unknown = set(history.results | history.receivers | history.told | history.opaque | history.given)
    for place, line in enumerate(history.lines):
        if place in history.calls or (line.reads | line.touches) & unknown:
            unknown |= line.binds
    return frozenset((history.bound | surface_names) - unknown)


def with_given(
    pieces: Sequence[ast.expr], history: History, own: Own, names: Set[str]
) -> tuple[list[ast.expr], History, Given]:
    """The calls, and the history's own ones, with all that they are given taken out."""
    given = Given(own=own, names=names)
    lines = list(history.lines)
    for place in sorted(history.alone):
        changed = given.visit(copy.deepcopy(lines[place].node))
        lines[place] = lines_of([ast.fix_missing_locations(changed)])[0]
    changed_pieces = [ast.fix_missing_locations(given.visit(copy.deepcopy(piece))) for piece in pieces]
    return changed_pieces, replace(history, lines=tuple(lines)), given
