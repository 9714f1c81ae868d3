"""Questions to a child without the candidate about the candidate's values: predicates, and values derived from them.

The module decides on decoded values. It runs no code.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Holds,
    Node,
    Observation,
    Program,
    Raises,
    TestCase,
    Value,
    VerdictStatus,
)
from plum_lsp.sandbox import literals, values
from plum_lsp.sandbox.conversation import Answer, Ask

_TRUTH = "(lambda _truth: _truth is not NotImplemented and bool(_truth))(({}\n))"
"""Asks a predicate. A comparison that neither side supports gives `NotImplemented`, which would count as true."""
_OBJECTS = frozenset({"object", "dataclass", "table"})
"""Kinds of values with a class of their own."""
_STANDARD = frozenset({"array", "slice", "Pattern", "UserString"}) | {
    *("function", "builtin_function_or_method", "method", "method_descriptor", "module"),
}
"""Classes that are the same in every process."""
_SEARCH = "__import__('re').search({!r}, _) is not None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """The classes of a value's objects that no other process can stand in for.

    Of `classes` only the candidate's process has the methods. Objects of the classes in `hidden` show no attributes.
    `can_be_asked` is false if the value cannot be rebuilt for a predicate.
    """

    classes: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    can_be_asked: bool = True

    @property
    def is_any(self) -> bool:
        """Whether the value is not wholly known outside the candidate's process."""
        return bool(self.classes or self.hidden) or not self.can_be_asked


KNOWN = Foreign()
"""The value is data."""


def about_predicates(tests: Sequence[TestCase], answers: Sequence[Answer]) -> dict[int, Ask]:
    """The questions whether predicates hold and whether the texts of exceptions match, by index of the test."""
    asks: dict[int, Ask] = {}
    for index, (test, answer) in enumerate(zip(tests, answers, strict=True)):
        expectation, raised = test.expectation, answer.observation.raised
        if isinstance(expectation, Holds) and can_be_asked_about(answer.observation):
            call = Call(expression=_TRUTH.format(expectation.predicate), setup=expectation.setup)
            asks[index] = Ask(call=call, value=(answer.observation.value,))
        elif isinstance(expectation, Raises) and expectation.pattern is not None and raised is not None:
            call = Call(expression=_SEARCH.format(expectation.pattern))
            asks[index] = Ask(call=call, value=(raised.message,))
    return asks


def about_derivations(tests: Sequence[TestCase], answers: Sequence[Answer]) -> dict[int, Ask]:
    """The questions that derive a value to compare from the value of a call, by index of the test."""
    asks: dict[int, Ask] = {}
    for index, (test, answer) in enumerate(zip(tests, answers, strict=True)):
        expectation = test.expectation
        is_derived = isinstance(expectation, Equals) and bool(expectation.derived)
        if isinstance(expectation, Equals) and is_derived and can_be_asked_about(answer.observation):
            call = Call(expression=expectation.derived, setup=expectation.setup)
            asks[index] = Ask(call=call, value=(answer.observation.value,))
    return asks


def with_derived(answers: Sequence[Answer], made: Mapping[int, Answer]) -> list[Answer]:
    """The answers, where derived values replace the original ones. The printed output stays."""
    found = list(answers)
    for place, one in made.items():
        printed = answers[place].observation.printed
        found[place] = replace(one, observation=replace(one.observation, printed=printed))
    return found


@functools.lru_cache(maxsize=64)
def classes_in(source: str) -> frozenset[str]:
    """The qualified names of the classes that a program defines outside of functions."""
    try:
        pending: list[tuple[str, ast.AST]] = [("", node) for node in ast.parse(source).body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    while pending:
        owner, node = pending.pop()
        if isinstance(node, ast.ClassDef):
            found.add(owner + node.name)
            owner += f"{node.name}."
        if isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.ExceptHandler | ast.With):
            pending += [(owner, inner) for inner in ast.iter_child_nodes(node)]
    return frozenset(found)


def foreign_in(observation: Observation, reference: Program) -> Foreign:
    """What a returned value holds that is not known in a process with the reference alone."""
    if observation.ending is not Ending.RETURNED or not isinstance(observation.value, Node):
        return KNOWN
    known, parts = classes_in(reference.source) | _STANDARD, list(objects_in(observation.value))
    return Foreign(
        classes=frozenset(part.type_name for part in parts if part.type_name not in known),
        hidden=frozenset(part.type_name for part in parts if not part.items),
        can_be_asked=can_be_asked_about(observation),
    )


def objects_in(value: Value) -> Iterator[Node]:
    """Every part of a value that is an object of some class, and no plain data."""
    pending = [value] if isinstance(value, Node) else []
    while pending:
        part = pending.pop()
        pending += [item for item in part.items if isinstance(item, Node)]
        if part.kind in _OBJECTS:
            yield part


def can_be_asked_about(observation: Observation) -> bool:
    """Whether there is a value that can be rebuilt for a predicate."""
    try:
        values.encode(observation.value)
    except literals.UnknownLiteral:
        return False
    return observation.ending is Ending.RETURNED


def predicate_status(observation: Observation) -> VerdictStatus:
    """A true predicate passes. One that is false or raises fails. One that hangs gets the status for a time limit."""
    if observation.ending is Ending.RETURNED:
        return VerdictStatus.PASSED if observation.value is True else VerdictStatus.FAILED
    raised = observation.raised
    if raised is not None and observation.detail and raised.type_names[:1] == ("CannotRebuild",):
        return VerdictStatus.ERRORED
    if observation.ending is Ending.RAISED:
        return VerdictStatus.FAILED
    return VerdictStatus.TIMED_OUT if observation.ending is Ending.TIMED_OUT else VerdictStatus.ERRORED
