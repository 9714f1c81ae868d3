"""Decides which expressions call the function at the hole, and which only read the results of such calls. Pure."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from plum_lsp.python.reading.sources import Surface, module_or_none
from plum_lsp.python.splitting.dataflow import names_in
from plum_lsp.python.splitting.operators import is_operation

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})
READERS = frozenset({"next", "islice", "itertools.islice", "asyncio.run"})
"""Functions that read a part of a call's result, which may have no end. They run where the call runs."""
_PARTIAL = frozenset({"partial", "functools.partial"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The names under which the function is called. A constructor has the name of its class.

    `program` are names that the program binds, `members` the methods and attributes of its classes, `dependents` those
    of its parts that use the function. `method` is a special method's name, which operators call. `made` are names of
    functions that the function made: what it decorated or returned. A property is called by reading it.
    """

    names: frozenset[str]
    program: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    dependents: frozenset[str] = frozenset()
    method: str = ""
    made: frozenset[str] = frozenset()
    is_property: bool = False

    @classmethod
    def of(cls, surface: Surface, source: str = "") -> Own:
        """The names for a surface, and those that `source` gives to functions that the function makes."""
        name, class_name = surface.function.name, surface.function.class_name or ""
        is_constructor = name in CONSTRUCTORS
        own = cls(
            names=frozenset({class_name.rsplit(".", 1)[-1]} if is_constructor else {name}),
            program=surface.names,
            members=surface.members,
            dependents=surface.dependents - {name, class_name.rsplit(".", 1)[-1]},
            is_property=any("property" in decorator for decorator in surface.function.decorators),
            method="" if is_constructor or not name.startswith("__") else name,
        )
        return own._with_made(source) if own.names & _words(source) or own.method else own

    def _with_made(self, source: str) -> Own:
        tree = module_or_none(source)
        if tree is None:
            return self
        called = {
            part.func.id for part in ast.walk(tree) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
        }
        made: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if any(self._is_named(part) for one in node.decorator_list for part in ast.walk(one)):
                    made.add(node.name)
            elif isinstance(node, ast.Assign) and self._makes(node.value):
                made |= names_in(node)[1] & called
        return replace(self, made=frozenset(made))

    def _makes(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Call) and ast.unparse(value.func) in _PARTIAL and value.args:
            return self._makes(value.args[0])
        return self._is_named(value) or self.is_call(value)

    def is_call(self, node: ast.expr) -> bool:
        """Whether an expression is a call of the function, or of what it made."""
        if isinstance(node, ast.Call):
            if _name_of(node.func) in self.names or (isinstance(node.func, ast.Name) and node.func.id in self.made):
                return True
            if isinstance(node.func, ast.Call) and self.is_call(node.func):
                return True
        is_read = self.is_property and isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if is_read and isinstance(node, ast.Attribute) and node.attr in self.names:
            return True
        return bool(self.method) and is_operation(node, self.method)

    def is_called(self, node: ast.AST) -> bool:
        """Whether the function is called anywhere in some code."""
        return any(isinstance(part, ast.expr) and self.is_call(part) for part in ast.walk(node))

    def is_answer(self, node: ast.expr) -> bool:
        """Whether an expression is a call of the function, or only reads out what such calls give."""
        if self.is_call(node):
            return True
        if isinstance(node, ast.Await):
            return self.is_answer(node.value)
        if isinstance(node, ast.ListComp):
            is_plain = not any(part.ifs or part.is_async or self.is_called(part.iter) for part in node.generators)
            return is_plain and self.is_answer(node.elt)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS and node.args and not node.keywords:
            return self.is_answer(node.args[0]) and all(isinstance(one, ast.Constant) for one in node.args[1:])
        return False

    def is_mentioned(self, node: ast.AST) -> bool:
        """Whether some code needs the function, as `map(f, ns)` does, too."""
        return any(
            self._is_named(part) or (isinstance(part, ast.expr) and self.is_call(part)) for part in ast.walk(node)
        )

    def is_needed(self, node: ast.AST) -> bool:
        """Whether some code needs the function, itself or through other parts of the program."""
        names = {_name_of(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}
        return bool(names & self.dependents) or self.is_mentioned(node)

    def _is_named(self, node: ast.AST) -> bool:
        is_made = isinstance(node, ast.Name) and node.id in self.made
        return is_made or (isinstance(node, ast.Name | ast.Attribute) and _name_of(node) in self.names)


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _words(source: str) -> set[str]:
    tree = module_or_none(source)
    return {_name_of(node) for node in ast.walk(tree) if isinstance(node, ast.expr)} if tree is not None else set()
