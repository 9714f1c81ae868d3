"""Reads the imports of a test file: which names come from the module under test, and what that module calls them.

The module also rewrites code of the test file so that it can run with the program. It runs no code.
"""

from __future__ import annotations

import ast
import copy
import sys
from dataclasses import dataclass
from pathlib import PurePath

LIBRARIES = frozenset(sys.stdlib_module_names) | {"numpy"}
"""Modules that a setup may import. They are in the sandbox for every project."""
_TOOLS = frozenset({"pytest", "unittest"})
"""Modules that judge in a test. Their calls are read and not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """`renamed` maps names of the test file to the program's. `modules` are dotted names for the module itself.

    `statements` are imports of libraries, by the names they bind.
    """

    renamed: dict[str, str]
    modules: frozenset[str]
    statements: dict[str, str]


def module_names(path: str) -> frozenset[str]:
    """The dotted names under which a file can be imported, one for each folder above it that could be the root."""
    parts = list(PurePath(path).with_suffix("").parts)
    parts = [part for part in parts if part not in ("/", "\\")]
    if parts and parts[-1] == "__init__":
        parts.pop()
    return frozenset(".".join(parts[place:]) for place in range(len(parts)))


def imports_of(tree: ast.Module, path: str) -> Imports:
    """The imports at the top of a test file, given the path of the module under test."""
    own = module_names(path)
    packages = {name.rpartition(".")[0] for name in own} - {""}
    renamed, modules, statements = dict[str, str](), set[str](), dict[str, str]()
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                if alias.name in own:
                    modules.add(alias.asname or alias.name)
                elif top in LIBRARIES and top not in _TOOLS:
                    statements[alias.asname or top] = ast.unparse(ast.Import(names=[alias]))
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            for alias in node.names:
                name = alias.asname or alias.name
                if _is_module(origin, alias.name, node.level, own):
                    modules.add(name)
                elif origin in own or (node.level and not origin) or origin in packages:
                    renamed[name] = alias.name
                elif not node.level and origin.split(".")[0] in LIBRARIES - _TOOLS - {"__future__"}:
                    statements[name] = ast.unparse(ast.ImportFrom(module=origin, names=[alias], level=0))
    return Imports(renamed=renamed, modules=frozenset(modules), statements=statements)


def _is_module(origin: str, name: str, level: int, own: frozenset[str]) -> bool:
    """Whether `from origin import name` binds the module under test."""
    dotted = f"{origin}.{name}" if origin else name
    return dotted in own and (bool(origin) or bool(level))


class Rewriting(ast.NodeTransformer):
    """Gives code of the test file the program's names. Attributes of `self` become names, and coroutines are run."""

    def __init__(self, imports: Imports, values: dict[str, ast.expr]) -> None:
        self._imports, self.values = imports, values

    def rewritten(self, node: ast.AST) -> ast.AST:
        """A changed copy."""
        changed = self.visit(copy.deepcopy(node))
        assert isinstance(changed, ast.AST)
        return ast.fix_missing_locations(changed)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A name of the table of cases, or of the module under test."""
        if node.id in self.values and isinstance(node.ctx, ast.Load):
            return copy.deepcopy(self.values[node.id])
        return ast.Name(id=self._imports.renamed.get(node.id, node.id), ctx=node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`module.name` becomes `name`, and `self.name` becomes a separate name."""
        owner = ast.unparse(node.value)
        if owner in self._imports.modules:
            return ast.Name(id=node.attr, ctx=node.ctx)
        if owner in ("self", "cls"):
            return ast.Name(id=f"self_{node.attr}", ctx=node.ctx)
        return self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """An awaited expression, run by `asyncio.run`, because the test's own event loop is not there."""
        run = ast.Attribute(value=ast.Name(id="asyncio", ctx=ast.Load()), attr="run", ctx=ast.Load())
        return ast.Call(func=run, args=[self.visit(node.value)], keywords=[])
