"""Makes tests from a project's own test files, for the function at the hole. It finds them by name and import.

It reads plain pytest functions and unittest methods: assertions, `raises`, parametrized tests, loops over literals,
simple fixtures, `setUp`. Each assertion becomes a separate test, with the statements before it as its setup. An
assertion that cannot be read as a call and an expectation is left out. So is all code after a statement that may change
what follows. The module runs no code and reads no file (`project.tests` does).
"""

from __future__ import annotations

import ast
import copy
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plum_lsp.domain.project import TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import Holds, Origin, TestCase, TestId
from plum_lsp.python.reading.sources import (
    Surface,
    bound_names,
    free_names,
    module_or_none,
    reachable_function,
    surface_of,
)
from plum_lsp.python.specification.asserted import Asserted, is_assertion, is_raising, read_assertion
from plum_lsp.python.specification.imported import Imports, Rewriting, imports_of
from plum_lsp.python.splitting.dataflow import lines_of, names_in, sliced

TESTS_MAX = 48
"""The most assertions that become tests. Each costs every candidate a call."""
CASES_MAX = 64
"""The most rows of one table that are read."""
LITERAL_CHARACTERS_MAX = 200
"""Longer constants of a test file stay names with a value."""
SETUP_CHARACTERS_MAX = 4_000
"""A test with a longer setup is about more than one function."""
_IN_LOOP = frozenset({"create_task", "current_task", "ensure_future", "gather", "get_running_loop", "shield"})
"""Functions of asyncio that fail outside of an event loop, or whose results belong to it."""
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Import, ast.ImportFrom, ast.Pass, ast.Delete)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def subject_of(context: Context) -> str:
    """The name that tests of the hole use: the function's, or its class's for a special method.

    Empty if there is none.
    """
    function = reachable_function(context)
    if function is None:
        return ""
    is_special = function.name.startswith("__") and function.class_name is not None
    return (function.class_name or "").rsplit(".", 1)[-1] if is_special else function.name


def project_tests_of(context: Context, path: str, files: Sequence[TestFile]) -> tuple[TestCase, ...]:
    """The tests in `files` of the function at the hole, in the order of files and lines. `path` is the document's.

    One call with two different results is a contradiction within the project, and both are dropped.
    """
    function = reachable_function(context)
    if function is None:
        return ()
    surface, subject = surface_of(context, function), subject_of(context)
    found: dict[tuple[str, str, str], TestCase] = {}
    contradicted: set[tuple[str, str, str]] = set()
    for file in files:
        tree = module_or_none(file.text)
        if tree is None or subject not in file.text:
            continue
        for test in _File(file, tree, imports_of(tree, path), surface, subject).tests():
            predicate = test.expectation.predicate if isinstance(test.expectation, Holds) else ""
            key = (test.call.setup, test.call.expression, predicate)
            earlier = found.setdefault(key, test)
            if earlier.expectation != test.expectation and type(earlier.expectation) is type(test.expectation):
                contradicted.add(key)
            if len(found) >= TESTS_MAX:
                break
    return tuple(test for key, test in found.items() if key not in contradicted)


@dataclass(frozen=True, slots=True)
class _Place:
    """A test function, with the statements that run before it (of its class) and its name for people."""

    function: _Function
    before: list[ast.stmt]
    name: str


class _File:
    """One test file while its tests are read."""

    def __init__(self, file: TestFile, tree: ast.Module, imports: Imports, surface: Surface, subject: str) -> None:
        self._file, self._tree, self._imports, self._surface = file, tree, imports, surface
        self._subject = subject
        self._globals = {name: node for node in tree.body for name in _bound_by(node)}
        self._constants = {
            name: node.value
            for name, node in self._globals.items()
            if isinstance(node, ast.Assign) and _is_short_literal(node.value) and isinstance(node.targets[0], ast.Name)
        }
        self._fixtures = {
            node.name: node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and any(_last(one) == "fixture" for one in node.decorator_list)
        }

        imported = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "asyncio")
        self._of_loop = _IN_LOOP & {one.name for node in imported for one in node.names}

    def tests(self) -> Iterator[TestCase]:
        """Every assertion that can be read and uses the function."""
        if not self._imports.renamed and not self._imports.modules:
            return
        spoken = {self._subject, *(name for name, meant in self._imports.renamed.items() if meant == self._subject)}
        for place in self._places(self._tree.body, [], ""):
            if not self._speaks_of(place, spoken):
                continue
            for values in self._rows(place.function):
                yield from self._read(place, values)

    def _speaks_of(self, place: _Place, spoken: set[str]) -> bool:
        """Whether a test, or the setup before it, names the function.

        Most tests of a file are about other functions.
        """
        fixtures = [self._fixtures[one.arg] for one in place.function.args.args if one.arg in self._fixtures]
        parts = (place.function, *place.before, *fixtures)
        nodes = (node for part in parts for node in ast.walk(part))
        return any(isinstance(node, ast.Name | ast.Attribute) and _last(node) in spoken for node in nodes)

    def _places(self, body: list[ast.stmt], before: list[ast.stmt], prefix: str) -> Iterator[_Place]:
        for node in body:
            if isinstance(node, _Function) and node.name.startswith("test"):
                yield _Place(node, before, f"{prefix}{node.name}")
            elif isinstance(node, ast.ClassDef) and not before:
                yield from self._places(node.body, list(_class_setup(node)), f"{node.name}.")

    def _rows(self, function: _Function) -> Iterator[dict[str, ast.expr]]:
        """The values of the parameters, one row for each case. Empty if one of them is not known."""
        tables = [self._table(one) for one in function.decorator_list if _last(one) == "parametrize"]
        given = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
        rows = itertools.islice(itertools.product(*(table for table in tables if table is not None)), CASES_MAX)
        if None in tables or any(
            _last(one) in ("skip", "skipif", "xfail", "expectedFailure") for one in function.decorator_list
        ):
            return
        for row in rows:
            values = {name: value for part in row for name, value in part.items()}
            if set(given) <= set(values) | set(self._fixtures):
                yield values

    def _table(self, decorator: ast.expr) -> list[dict[str, ast.expr]] | None:
        """The rows of `@pytest.mark.parametrize("a, b", [(1, 2), …])`."""
        if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
            return None
        stated, values = decorator.args[0], self._literal_list(decorator.args[1])
        is_row = not isinstance(stated, ast.Constant)
        if isinstance(stated, ast.Constant) and isinstance(stated.value, str):
            names = [name.strip() for name in stated.value.split(",") if name.strip()]
        elif isinstance(stated, ast.List | ast.Tuple):
            names = [one.value for one in stated.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        else:
            return None
        rows = [_row(value, names, is_row=is_row or len(names) > 1) for value in values or []]
        return [row for row in rows if row is not None] if values is not None else None

    def _literal_list(self, node: ast.expr) -> list[ast.expr] | None:
        """The elements of a list that is written here or bound once at the top of the file."""
        if isinstance(node, ast.Name) and isinstance(bound := self._globals.get(node.id), ast.Assign):
            node = bound.value
        return list(node.elts)[:CASES_MAX] if isinstance(node, ast.List | ast.Tuple) else None

    def _read(self, place: _Place, values: dict[str, ast.expr]) -> Iterator[TestCase]:
        """The tests of one function with one row of values."""
        stored = {name for node in place.function.body for name in bound_names(node)}
        known = {**self._constants, **values}
        rewriting = Rewriting(self._imports, {name: value for name, value in known.items() if name not in stored})
        setup = [rewriting.rewritten(node) for node in place.before]
        setup += [
            ast.parse(f"{name} = {ast.unparse(value)}").body[0] for name, value in values.items() if name in stored
        ]
        for argument in place.function.args.args:
            if argument.arg in self._fixtures and argument.arg not in values:
                made = _fixture_statements(self._fixtures[argument.arg])
                if made is None:
                    return
                setup += [rewriting.rewritten(node) for node in made]
        lines = [ast.unparse(node) for node in setup]
        yield from self._statements(place.function.body, lines, rewriting, place)

    def _statements(
        self, body: list[ast.stmt], lines: list[str], rewriting: Rewriting, place: _Place
    ) -> Iterator[TestCase]:
        """Walk through a test's statements in order. `lines` is the setup so far and grows."""
        for node in body:
            if self._needs_loop(node):
                return
            if isinstance(node, ast.For) and (turns := self._literal_list(node.iter)) is not None and not node.orelse:
                for value in turns:
                    row = _unpacked(node.target, value)
                    if row is None:
                        return
                    inner = Rewriting(self._imports, {**rewriting.values, **row})
                    yield from self._statements(node.body, lines, inner, place)
                continue
            if isinstance(node, ast.With) and all(_last(item.context_expr) == "subTest" for item in node.items):
                yield from self._statements(node.body, lines, rewriting, place)
                continue
            changed = rewriting.rewritten(node)
            if isinstance(changed, ast.stmt) and is_assertion(changed):
                setup = self._setup(changed, lines)
                asserted = read_assertion(changed, setup, self._surface) if setup is not None else None
                if asserted is not None and (test := self._test(asserted, node, place)) is not None:
                    yield test
                if asserted is not None and asserted.replayed:
                    lines.append(asserted.replayed)
            elif isinstance(node, (*_SIMPLE, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                lines.append(ast.unparse(changed))
            else:
                return

    def _needs_loop(self, node: ast.stmt) -> bool:
        """Whether a statement calls what works only in an event loop. The statements of a test run outside of one."""
        calls = () if isinstance(node, _Function | ast.ClassDef) else ast.walk(node)
        return any(isinstance(one, ast.Call) and self._is_of_loop(one.func) for one in calls)

    def _is_of_loop(self, function: ast.expr) -> bool:
        if isinstance(function, ast.Name):
            return function.id in self._of_loop
        if isinstance(function, ast.Attribute):
            return function.attr in _IN_LOOP and ast.unparse(function.value) == "asyncio"
        return False

    def _setup(self, assertion: ast.stmt, lines: list[str]) -> str | None:
        """The earlier lines that an assertion depends on, and the lines of the file's top that they need.

        None if some are unknown.

        Lines that have only an effect count if their names are known.
        """
        tree = module_or_none("\n".join(lines))
        if tree is None:
            return None
        before = lines_of(tree.body)
        bound = frozenset[str]().union(*(line.binds for line in before)) | self._surface.names | self._globals.keys()
        effects = {
            place for place, line in enumerate(before) if isinstance(line.node, ast.Expr) and line.reads <= bound
        }
        needed, _ = sliced(before, names_in(assertion)[0], always=effects)
        own = "\n".join(ast.unparse(line.node) for line in needed)
        top = self._needed(f"{own}\n{ast.unparse(_Judged().visit(copy.deepcopy(assertion)))}")
        return "\n".join([*top, own]).strip() if top is not None else None

    def _test(self, asserted: Asserted, node: ast.stmt, place: _Place) -> TestCase | None:
        """The test. None if it is about another function."""
        call = asserted.call
        if self._subject not in _names(f"{call.setup}\n{call.expression}") or len(call.setup) > SETUP_CHARACTERS_MAX:
            return None
        content = repr((call, asserted.expectation))
        identity = hashlib.blake2s(content.encode("utf-8", "replace"), digest_size=8).hexdigest()
        line = " ".join((ast.get_source_segment(self._file.text, node) or asserted.call.expression).split())[:200]
        return TestCase(
            id=TestId(f"{Origin.PROJECT.value}-{identity}"),
            call=call,
            expectation=asserted.expectation,
            origin=Origin.PROJECT,
            quote=f"{self._file.path}::{place.name}: {line}",
        )

    def _needed(self, source: str) -> list[str] | None:
        """Statements of the file's top level that `source` depends on, in their order. None if a name stays unknown."""
        imports: dict[str, None] = {"import asyncio": None} if "asyncio.run(" in source else {}
        chosen: dict[int, str] = {}
        pending = [source]
        while pending:
            tree = module_or_none(pending.pop())
            for name in sorted(free_names(tree) - bound_names(tree)) if tree is not None else ():
                node = self._globals.get(name)
                if name in self._imports.statements:
                    imports[self._imports.statements[name]] = None
                elif name in self._surface.names or name == "asyncio":
                    continue
                elif node is None:
                    return None
                elif node.lineno not in chosen:
                    chosen[node.lineno] = ast.unparse(Rewriting(self._imports, {}).rewritten(node))
                    pending.append(chosen[node.lineno])
        return [*imports, *(chosen[line] for line in sorted(chosen))]


class _Judged(ast.NodeTransformer):
    """Reduces an assertion to the code that has to be computed. The judging part is read, not run."""

    def visit_With(self, node: ast.With) -> ast.AST:
        """`with pytest.raises(…):` without its head."""
        return ast.Module(body=node.body, type_ignores=[])

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        """The same."""
        return ast.Module(body=node.body, type_ignores=[])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replaces `approx(…)`, `self.assertEqual(…)` and `raises(…, f)` by their arguments."""
        self.generic_visit(node)
        name = _last(node)
        if name != "approx" and not name.startswith("self_assert") and name != "raises":
            return node
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return ast.Tuple(elts=given[1:] if is_raising(node) else given, ctx=ast.Load())


def _bound_by(node: ast.stmt) -> Iterator[str]:
    """Names that a statement at the top of a test file binds and a setup may repeat."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from bound_names(node) if isinstance(node, ast.Assign | ast.AnnAssign) else (node.name,)


def _is_short_literal(node: ast.expr) -> bool:
    """Whether a constant is short enough to write it out where it is used."""
    try:
        return len(repr(ast.literal_eval(node))) <= LITERAL_CHARACTERS_MAX
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _names(source: str) -> set[str]:
    tree = module_or_none(source)
    if tree is None:
        return set()
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _class_setup(node: ast.ClassDef) -> Iterator[ast.stmt]:
    """Attributes of a test class and the statements of its `setUp`. Each `self.x` becomes a name."""
    for child in node.body:
        if isinstance(child, ast.Assign) and all(isinstance(target, ast.Name) for target in child.targets):
            names = [target.id for target in child.targets if isinstance(target, ast.Name)]
            yield from ast.parse("".join(f"self_{name} = " for name in names) + ast.unparse(child.value)).body
        elif isinstance(child, ast.FunctionDef) and child.name in (
            "setUp",
            "setup_method",
            "setUpClass",
            "setup_class",
        ):
            yield from child.body


def _fixture_statements(node: ast.FunctionDef) -> list[ast.stmt] | None:
    """`name = …` for a fixture without parameters that returns at its end. None for any other."""
    *before, last = node.body
    is_plain = all(isinstance(one, _SIMPLE) and not _has_yield(one) for one in before)
    if node.args.args or not is_plain or not isinstance(last, ast.Return) or last.value is None:
        return None
    return [*before, ast.Assign(targets=[ast.Name(id=node.name, ctx=ast.Store())], value=last.value, lineno=0)]


def _has_yield(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(node))


def _row(value: ast.expr, names: list[str], *, is_row: bool) -> dict[str, ast.expr] | None:
    """One case of a table by the names of its parameters."""
    if isinstance(value, ast.Call) and _last(value) == "param":
        cells = list(value.args)
    elif not is_row:
        cells = [value]
    else:
        cells = list(value.elts) if isinstance(value, ast.List | ast.Tuple) else []
    return dict(zip(names, cells, strict=True)) if len(cells) == len(names) else None


def _unpacked(target: ast.expr, value: ast.expr) -> dict[str, ast.expr] | None:
    """The names that one turn of a loop binds. None if they are unknown."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(value, ast.Tuple | ast.List):
        return None
    if len(target.elts) != len(value.elts):
        return None
    parts = [_unpacked(one, part) for one, part in zip(target.elts, value.elts, strict=True)]
    if any(part is None for part in parts):
        return None
    return {name: found for part in parts if part is not None for name, found in part.items()}
