"""The lines of a doctest session before an example, and which of them the example depends on. It runs no code."""

from __future__ import annotations

import ast
import doctest
import re
from dataclasses import dataclass, replace

from plum_lsp.python.reading.sources import Surface, bound_names, expression_or_none, free_names
from plum_lsp.python.specification.conditions import is_condition
from plum_lsp.python.specification.expectations import is_known
from plum_lsp.python.splitting.dataflow import globals_of, manager_of

_SEEDS = re.compile(r"\bseed\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of the session: its source, the names that it binds and reads, and whether it has only an effect.

    `is_state` marks a line that we made of an attribute shown in the session. `remakes` are names whose earlier
    value no longer matters. `manager` is what a line enters, if it binds the result. `changes` are names that its
    functions declare `global`: a call of them changes these.
    """

    source: str
    binds: frozenset[str]
    reads: frozenset[str]
    is_effect: bool
    is_state: bool = False
    remakes: frozenset[str] = frozenset()
    manager: str = ""
    changes: frozenset[str] = frozenset()


def stated_state(example: doctest.Example, tree: ast.Module, steps: list[Step], surface: Surface) -> Step | None:
    """An attribute shown on an object that the session never makes, before any other use: the state that it must have.

    `>>> parser.types` giving `{'a': int}` becomes `parser.types = {'a': int}`.
    """
    last = tree.body[-1]
    if len(tree.body) != 1 or not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Attribute):
        return None
    owner = last.value.value
    if not isinstance(owner, ast.Name) or owner.id in surface.names or _maker(owner.id, surface) is None:
        return None
    is_touched = any(not step.is_state and owner.id in step.reads | step.binds for step in steps)
    value = expression_or_none(example.want) if example.want else None
    if is_touched or value is None or not is_known(value, "", surface) or surface.function.name == last.value.attr:
        return None
    source = f"{owner.id}.{last.value.attr} = {example.want.strip()}"
    return Step(source=source, binds=frozenset(), reads=frozenset({owner.id}), is_effect=False, is_state=True)


def step_of(source: str, tree: ast.Module, *, is_effect: bool) -> Step:
    """The step of a line. `is_effect` says that the line is no example and has no output."""
    last = tree.body[-1]
    does_something = not isinstance(last, ast.Expr) or (_calls(last.value) and not is_condition(last.value))
    return Step(
        source=source,
        binds=frozenset(bound_names(tree)),
        reads=frozenset(free_names(tree)) if does_something else frozenset(),
        is_effect=is_effect and does_something and not _is_statement(tree),
        remakes=_remade(tree),
        manager=manager_of(last),
        changes=globals_of(tree),
    )


def after(steps: list[Step], step: Step) -> Step:
    """A step, which also changes what its manager has entered: `__exit__` of the one works on the other."""
    entered = {name for earlier in steps if earlier.manager in step.reads for name in earlier.binds}
    return replace(step, reads=step.reads | entered)


def _remade(tree: ast.Module) -> frozenset[str]:
    """The name to which a plain assignment gives a value without reading the old one."""
    statement = tree.body[-1]
    if len(tree.body) != 1 or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return frozenset()
    target = statement.targets[0]
    read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return frozenset({target.id} - read) if isinstance(target, ast.Name) else frozenset()


def _calls(tree: ast.expr) -> bool:
    """Whether an expression calls something, as `next(it), next(it)` does. It may change what it is called with."""
    return any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(tree))


def _is_statement(tree: ast.Module) -> bool:
    return not isinstance(tree.body[-1], ast.Expr)


def setup_for(steps: list[Step], needed: set[str], surface: Surface) -> str | None:
    """The earlier lines that a test depends on, in order. None if it uses an unbound name.

    A line counts if it binds a needed name, works on an object that the session made, uses a function that changes a
    needed name, or has only an effect. After a seed every line counts, because each may draw. If the session never
    makes a used object of the function's own class, it is made first.
    """
    made = {name for step in steps for name in step.binds}
    is_seeded = any(_SEEDS.search(step.source) for step in steps)
    changed = {name: step.changes for step in steps for name in step.binds}
    needed = set(needed)
    chosen: list[str] = []
    for step in reversed(steps):
        is_on_object = bool(step.reads & needed & (made | surface.receivers.keys() | (needed - surface.names)))
        is_change = any(changed.get(name, frozenset()) & needed for name in step.reads)
        if is_seeded or step.is_effect or is_on_object or is_change or step.binds & needed:
            chosen.append(step.source)
            needed = (needed - step.remakes) | step.reads
    chosen.reverse()
    for name in sorted(needed - made - surface.names):
        maker = _maker(name, surface)
        if maker is None:
            return None
        chosen.insert(0, maker)
    return "\n".join(chosen)


def _maker(name: str, surface: Surface) -> str | None:
    """The statement that makes the object that a docstring calls `name`, if it is one of the function's class."""
    if name in surface.receivers:
        return surface.receivers[name]
    if surface.function.class_name is not None and surface.construct is not None:
        return f"{name} = {surface.construct}"
    return None
