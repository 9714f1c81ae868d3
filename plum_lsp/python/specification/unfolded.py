"""Writes lines of a session that wrap a call in a coroutine or in `with` as the plain lines that they stand for. Pure.

    loop.run_until_complete(f(2))                   asyncio.run(f(2))
    async def main(): return await f(2)
    asyncio.run(main())                             asyncio.run(f(2))
    with Thing() as t: t.go()                       the calls of __enter__, of the body, and of __exit__

A coroutine is unfolded only if it awaits once, takes no arguments, has no block within it, and uses no other part of
`asyncio`: two event loops in place of one could fail where the right function does not. `with` is unfolded for its
two methods alone, if its body shows a value, a line for each `print`, or nothing. What a loop runs that is no coroutine
(`gather`) is no example. Other lines stay as they are.
"""

from __future__ import annotations

import ast
import copy
import doctest
from collections.abc import Iterator, Sequence

from plum_lsp.python.reading.sources import Surface, bound_names, expression_or_none, module_or_none
from plum_lsp.python.specification.expectations import is_print

_MANAGER = "_manager"
"""The name of the object whose `with` was unfolded."""
_PLAIN = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Assert, ast.Return)
_AWAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith)

SessionLine = tuple[doctest.Example, str]
"""A line of a session, with its source."""


def unfolded(lines: Sequence[SessionLine], surface: Surface) -> list[SessionLine]:
    """The lines of a session, with those that wrap a call unfolded."""
    found: list[SessionLine] = []
    coroutines: dict[str, ast.AsyncFunctionDef] = {}
    bound = {name for _, source in lines for name in _bound_by(source)}
    for example, source in lines:
        tree = module_or_none(source)
        if tree is None or len(tree.body) != 1:
            found.append((example, source))
            continue
        node = tree.body[0]
        if isinstance(node, ast.AsyncFunctionDef) and not ast.unparse(node.args):
            coroutines[node.name] = node
        if "run_until_complete" in source:
            example, source, node = _run_once(example, node)
        called = _run_of(node)
        name = called.func.id if isinstance(called, ast.Call) and isinstance(called.func, ast.Name) else ""
        main = coroutines.get(name) if isinstance(called, ast.Call) and not called.args else None
        more = _of_coroutine(example, main, surface.names | bound) if main is not None else None
        if isinstance(node, ast.With):
            more = _of_with(example, node, surface)
        found += more or [(example, source)]
    return found


def _bound_by(source: str) -> set[str]:
    """The names that a line binds for the lines below it."""
    tree = module_or_none(source)
    if tree is None:
        return set()
    first = tree.body[0] if tree.body else None
    return {first.name} if isinstance(first, ast.AsyncFunctionDef) else bound_names(tree)


def _run_once(example: doctest.Example, node: ast.stmt) -> tuple[doctest.Example, str, ast.stmt]:
    """A line with `asyncio.run` for the method of a loop. Without a result, if what the loop runs is no coroutine."""
    node = copy.deepcopy(node)
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and _is_loop_run(one)]
    is_coroutine = all(isinstance(one.args[0], ast.Call) and not _is_of_loop(one.args[0]) for one in calls)
    for one in calls if is_coroutine else []:
        one.func = ast.Attribute(value=ast.Name(id="asyncio", ctx=ast.Load()), attr="run", ctx=ast.Load())
    source = ast.unparse(node)
    return (example if is_coroutine else _line(source)), source, node


def _is_loop_run(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "run_until_complete" and len(node.args) == 1


def _is_of_loop(node: ast.AST) -> bool:
    """Whether some code uses `asyncio` or a loop itself."""
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return bool(names & {"asyncio", "loop", "gather", "wait_for", "create_task", "wait", "sleep"})


def _run_of(node: ast.stmt) -> ast.expr | None:
    """What `asyncio.run(...)` runs, if a line is only that."""
    value = node.value if isinstance(node, ast.Expr) else None
    is_run = isinstance(value, ast.Call) and ast.unparse(value.func) in ("asyncio.run", "run") and len(value.args) == 1
    return value.args[0] if is_run and isinstance(value, ast.Call) else None


def _of_coroutine(
    example: doctest.Example, main: ast.AsyncFunctionDef, bound: set[str] | frozenset[str]
) -> list[SessionLine] | None:
    """The lines of a coroutine that is run. None if they do not stand for it."""
    body = copy.deepcopy(main.body)
    whole = ast.Module(body=body, type_ignores=[])
    awaits = [node for node in ast.walk(whole) if isinstance(node, _AWAITING)]
    iterated = [node for node in ast.walk(whole) if isinstance(node, ast.comprehension) and node.is_async]
    is_clash = bool(bound_names(whole) & bound)
    if is_clash or len(awaits) + len(iterated) != 1 or _is_of_loop(whole):
        return None
    if not all(isinstance(node, _PLAIN) for node in body) or any(isinstance(node, ast.Return) for node in body[:-1]):
        return None
    if awaits and not (isinstance(awaits[0], ast.Await) and isinstance(awaits[0].value, ast.Call)):
        return None
    lines = [one for node in body for one in _plain(node, example, is_last=node is body[-1])]
    return lines or None


def _plain(node: ast.stmt, example: doctest.Example, *, is_last: bool) -> Iterator[SessionLine]:
    """A statement of a coroutine as lines of a session."""
    value = node.value if isinstance(node, ast.Return | ast.Expr) else None
    if isinstance(value, ast.ListComp) and (items := _all_items(value)) is not None:
        value = items
    if isinstance(node, ast.Assert):
        source = ast.unparse(_Run().visit(node.test))
        yield doctest.Example(source, "True\n"), source
    elif value is not None:
        source = ast.unparse(_Run().visit(value))
        exception = example.exc_msg if is_last else None
        yield doctest.Example(source, example.want if is_last else "", exc_msg=exception), source
    elif not isinstance(node, ast.Return):
        source = ast.unparse(_Run().visit(node))
        yield _line(source), source


class _Run(ast.NodeTransformer):
    """Runs what was awaited."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """An awaited call."""
        run = ast.Attribute(value=ast.Name(id="asyncio", ctx=ast.Load()), attr="run", ctx=ast.Load())
        return ast.Call(func=run, args=[node.value], keywords=[])


def _all_items(node: ast.ListComp) -> ast.expr | None:
    """The asynchronous generator whose items `[x async for x in g()]` lists."""
    part = node.generators[0]
    is_plain = len(node.generators) == 1 and part.is_async and not part.ifs
    is_same = isinstance(node.elt, ast.Name) and ast.unparse(part.target) == node.elt.id
    return part.iter if is_plain and is_same and isinstance(part.iter, ast.Call) else None


def _of_with(example: doctest.Example, node: ast.With, surface: Surface) -> list[SessionLine] | None:
    """The lines of a `with` whose methods are the function. None if its body shows no value."""
    if surface.function.name not in ("__enter__", "__exit__") or len(node.items) != 1 or example.exc_msg is not None:
        return None
    item = node.items[0]
    if not all(isinstance(one, _PLAIN) and not isinstance(one, ast.Return) for one in node.body):
        return None
    shown = _shown_by(node.body, example.want)
    if shown is None:
        return None
    manager = item.context_expr.id if isinstance(item.context_expr, ast.Name) else _MANAGER
    entered = f"{manager}.__enter__()"
    if item.optional_vars is not None:
        entered = f"{ast.unparse(item.optional_vars)} = {entered}"
    made = [f"{manager} = {ast.unparse(item.context_expr)}"] if manager == _MANAGER else []
    lines = [(_line(source), source) for source in (*made, entered)]
    left = f"{manager}.__exit__(None, None, None)"
    return [*lines, *shown, (_line(left), left)]


def _shown_by(body: Sequence[ast.stmt], want: str) -> list[SessionLine] | None:
    """The lines of a body with what each shows: the value of the last one, or a line for each `print`.

    What an `assert` asks is a line that gives True. None if the text does not say which line shows what.
    """
    printing = [one for one in body if isinstance(one, ast.Expr) and is_print(one.value)]
    said = want.splitlines(keepends=True)
    last = body[-1]
    is_value = isinstance(last, ast.Expr) and not printing and expression_or_none(want) is not None
    if want and not is_value and len(said) != len(printing):
        return None
    found: list[SessionLine] = []
    for one in body:
        source = ast.unparse(one.test if isinstance(one, ast.Assert) else one)
        shown = want if is_value and one is last else said.pop(0) if one in printing and said else ""
        shown = "True\n" if isinstance(one, ast.Assert) else shown
        found.append((doctest.Example(source, shown), source))
    return found


def _line(source: str) -> doctest.Example:
    return doctest.Example(source, "")
