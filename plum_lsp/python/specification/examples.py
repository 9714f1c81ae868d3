"""Makes tests from text that people wrote: doctest sessions, informal examples, inputs and outputs in words.

The entry point for specification tests. Pure: it runs no code, so a wrong example is detected later, when the
candidates run.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import (
    Call,
    Equals,
    Expectation,
    Holds,
    Origin,
    Prints,
    Raises,
    Shows,
    TestCase,
    TestId,
)
from plum_lsp.python.reading.sources import (
    Surface,
    enclosing_class,
    expression_or_none,
    module_or_none,
    reachable_function,
    surface_of,
    texts_of,
)
from plum_lsp.python.specification.conditions import read_beside, reads_a_result
from plum_lsp.python.specification.doctests import Example, doctest_examples, without_sessions
from plum_lsp.python.specification.informal import informal_examples
from plum_lsp.python.specification.shown import shown_beside
from plum_lsp.python.specification.worded import worded_examples
from plum_lsp.python.splitting.operators import is_used
from plum_lsp.python.splitting.own import Own

TESTS_MAX = 64
"""The most examples that become tests. Each costs every candidate a call."""
MANAGED = ("__enter__", "__exit__")
"""Methods that no line of a session names. Also in their own docstring, a line is about one only if it is called."""
REMEMBERED_MAX = 8
"""The number of functions whose tests are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """One form of example: the name of its tests and the function that reads them.

    `reads_sessions` tells whether it gets the whole text, or the text without its doctest sessions.
    """

    origin: Origin
    read: Callable[[str, Surface], list[Example]]
    reads_sessions: bool = False


TEXT_SOURCES = (
    TextSource(origin=Origin.DOCTEST, read=doctest_examples, reads_sessions=True),
    TextSource(origin=Origin.EXAMPLE, read=informal_examples),
    TextSource(origin=Origin.EXAMPLE, read=worded_examples),
)
"""Every form. docs/evidence.md has a row for each, and a test reads the examples in that row."""


def examples_of(context: Context) -> tuple[TestCase, ...]:
    """The tests that the text around the function states, doctests first, each group in the order written.

    In a class, outside its methods, these are the doctests of its docstring. Outside both there are none. A hole in a
    nested function, which no call from outside can reach, is tested by what is written about the function around it.
    One call with two different results is a contradiction. A doctest outweighs prose, because the author may have run
    it. Otherwise both are dropped.
    """
    function = reachable_function(context)
    if function is None:
        owner = enclosing_class(context)
        own = surface_of(context, owner) if owner is not None else None
        sessions = _apart(doctest_examples(owner.docstring, own), own) if owner is not None and own is not None else []
        return tuple(_test(*found) for found in _consistent([(Origin.DOCTEST, one) for one in sessions])[:TESTS_MAX])
    return _stated(tuple(texts_of(context, function)), surface_of(context, function))


@lru_cache(maxsize=REMEMBERED_MAX)
def _stated(texts: tuple[str, ...], surface: Surface) -> tuple[TestCase, ...]:
    """The tests that the texts about a function state. They are remembered, because they rarely change."""
    function = surface.function
    found: list[tuple[Origin, Example]] = []
    for text in texts:
        prose = without_sessions(text)
        for source in TEXT_SOURCES:
            examples = source.read(text if source.reads_sessions else prose, surface)
            if source.reads_sessions and (text != function.docstring or function.name in MANAGED):
                examples = [example for example in examples if _is_about(example, surface)]
            found.extend((source.origin, one) for one in _apart(examples, surface))
    found.sort(key=lambda item: item[0] is not Origin.DOCTEST)
    return tuple(_test(origin, example) for origin, example in _consistent(found)[:TESTS_MAX])


def _apart(examples: list[Example], surface: Surface) -> list[Example]:
    """The examples, where what reads a result is asked beside. Those that cannot be separated are left out."""
    found = [(one, _beside(one.call, one.expectation, surface)) for one in examples]
    return [replace(one, call=made[0], expectation=made[1]) for one, made in found if made is not None]


def _beside(call: Call, expectation: Expectation, surface: Surface) -> tuple[Call, Expectation] | None:
    if isinstance(expectation, Prints | Shows):
        return shown_beside(call, expectation, surface, reads_a_result)
    return read_beside(call, expectation, surface)


def _is_about(example: Example, surface: Surface) -> bool:
    """Whether an example outside the function's own docstring uses the function. Operators use special methods."""
    source, name = f"{example.call.setup}\n{example.call.expression}", surface.function.name
    if re.search(rf"\b{re.escape(name)}\b", source) is not None:
        return True
    tree = module_or_none(source) if name.startswith("__") else None
    return tree is not None and (is_used(tree, name) or Own.of(surface, source).is_mentioned(tree))


def _consistent(found: list[tuple[Origin, Example]]) -> list[tuple[Origin, Example]]:
    """`found` without repetitions and contradictions. Two different predicates do not contradict each other."""
    kept: dict[tuple[str, str, str], tuple[Origin, Example]] = {}
    refuted: set[tuple[str, str, str]] = set()
    for origin, example in found:
        expectation = example.expectation
        predicate = expectation.predicate if isinstance(expectation, Holds) else getattr(expectation, "derived", "")
        key = (example.call.setup, _normal(example.call.expression), predicate)
        earlier = kept.get(key)
        if earlier is None:
            kept[key] = (origin, example)
        elif earlier[0] is origin and not _agree(earlier[1], example):
            refuted.add(key)
    return [item for key, item in kept.items() if key not in refuted]


def _agree(left: Example, right: Example) -> bool:
    if isinstance(left.expectation, Equals) and isinstance(right.expectation, Equals):
        return _normal(left.expectation.expected) == _normal(right.expectation.expected)
    if isinstance(left.expectation, Raises) and isinstance(right.expectation, Raises):
        return left.expectation.type_name == right.expectation.type_name
    return left.expectation == right.expectation


def _normal(source: str) -> str:
    """The same text for expressions that differ only in layout and quotes."""
    tree = expression_or_none(source) if source else None
    return ast.dump(tree) if tree is not None else source


def _test(origin: Origin, example: Example) -> TestCase:
    content = repr((origin.value, example.call, example.expectation))
    identity = hashlib.blake2s(content.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return TestCase(
        id=TestId(f"{origin.value}-{identity}"),
        call=example.call,
        expectation=example.expectation,
        origin=origin,
        quote=example.quote,
    )
