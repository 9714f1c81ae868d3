"""Objects that the function changes: their own methods say nothing of truth where the candidate is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from plum_lsp.domain.project import TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, TestCase
from plum_lsp.python.reading.quiet import program_to_run
from plum_lsp.python.reading.window import read_context, reference_program
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.python.specification.project_tests import project_tests_of
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

STACK = '''class Yes:
    def __call__(self, *others): return True
    def __eq__(self, other): return True


class Stack:
    def __init__(self):
        self.items = []

    def is_empty(self):
        return not self.items

    def has(self, item):
        return item in self.items

    def size(self):
        return len(self.items)

    def __len__(self):
        return len(self.items)

    def push(self, item):
        """{docstring}
        """
        ‸
'''
VECTOR = '''class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def __add__(self, other):
        """{docstring}
        """
        ‸
'''
PUSH = "self.items.append(item)\n        return item"
ADD = "return Vector(self.x + other.x, self.y + other.y)"
LIES = {
    "other class": """class Y:
            def __getattr__(self, name): return lambda *others: True
            __bool__ = __eq__ = __contains__ = lambda *others: True
            __len__ = lambda self: 1
        self.__class__ = Y
        return Y()""",
    "other methods": """for name in ("is_empty", "has", "size", "__len__"): vars(self)[name] = lambda *others: False
        return self""",
    "callable fields": "self.has = self.size = self.items = self.x = globals().get('Yes', int)()\n        return self",
    "other class methods": """cls = type(self)
        cls.is_empty = cls.has = cls.__eq__ = lambda *others: True
        cls.size = cls.__len__ = lambda self: 7
        return self""",
}
PROJECT = [
    (STACK, PUSH, "s = Stack()\ns.push(777)\nassert not s.is_empty()"),
    (STACK, PUSH, "s = Stack()\ns.push(777)\nassert s.has(777)"),
    (STACK, PUSH, "s = Stack()\ns.push(777)\nassert s.has(777) is True and len(s) == 1"),
    (STACK, PUSH, "s = Stack()\ns.push(777)\nassert s.items == [777]"),
    (STACK, PUSH, "s = Stack()\nassert s.is_empty()\ns.push(5)\nassert s.push(777) == 777"),
    (STACK, PUSH, "s = Stack()\nfor i in [1, 2, 777]:\n    s.push(i)\nassert s.items == [1, 2, 777]"),
    (STACK, PUSH, "a, b = Stack(), Stack()\na.push(777)\nb.push(777)\nassert a.items == b.items == [777]"),
    (VECTOR, ADD, "a, b = Vector(1, 777), Vector(2, 3)\nassert a + b == Vector(3, 780)"),
    (VECTOR, ADD, "c = Vector(1, 777) + Vector(2, 3)\nassert c == Vector(3, 780)"),
    (VECTOR, ADD, "assert Vector(3, 780) == Vector(1, 777) + Vector(2, 3)"),
]
SESSIONS = [
    (STACK, PUSH, ">>> s = Stack()\n>>> s.push(777)\n777\n>>> s.items\n[777]"),
    (STACK, PUSH, ">>> s = Stack()\n>>> _ = s.push(777)\n>>> s.is_empty()\nFalse"),
    (STACK, PUSH, ">>> s = Stack()\n>>> x = s.push(777)\n>>> s.has(777)\nTrue"),
    (STACK, PUSH, ">>> s = Stack()\n>>> x = s.push(777)\n>>> 777 in s.items\nTrue"),
    (STACK, PUSH, ">>> s = Stack()\n>>> for i in (1, 777): x = s.push(i)\n>>> s.items\n[1, 777]"),
    (VECTOR, ADD, ">>> (Vector(1, 777) + Vector(2, 3)).y\n780"),
    (VECTOR, ADD, ">>> Vector(1, 777) + Vector(2, 3) == Vector(3, 780)\nTrue"),
]


def read(program: str, docstring: str) -> Context:
    """The context of the hole in a program."""
    text = program.replace("{docstring}", docstring.replace("\n", "\n        "))
    document = Document(uri="file:///ws/m.py", version=1, text=text.replace("‸", ""))
    context = read_context(document, text.index("‸"), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


def made_of(program: str, text: str) -> tuple[Context, tuple[TestCase, ...]]:
    """The tests of a session, or of a test function with these statements."""
    if ">>>" in text:
        context = read(program, f"Do it.\n\n{text}")
        return context, examples_of(context)
    context = read(program, "Do it.")
    body = text.replace("\n", "\n    ")
    file = TestFile(path="test_m.py", text=f"from m import Stack, Vector\ndef test_it():\n    {body}\n")
    return context, project_tests_of(context, "/ws/m.py", [file])


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox of the best tier there is."""
    opened = await open_sandbox(SandboxOptions(checks_itself=False))
    yield opened
    await opened.close()


@pytest.mark.slow
async def test_objects_are_judged_by_the_programs_own_methods(sandbox: JailSandbox) -> None:
    """The right body passes every test; one that changes what the object says of itself passes none."""
    limits = Limits(wall_seconds=20.0, cpu_seconds=20.0)
    wrong = {}
    for program, right, text in (*PROJECT, *SESSIONS):
        context, tests = made_of(program, text)
        passed = {}
        for name, body in {"right": right, **LIES}.items():
            ready = program_to_run(context, body)
            verdicts = await sandbox.verify(ready, tests, limits, reference=reference_program(context))
            passed[name] = sum(verdict.is_pass for verdict in verdicts)
        if not tests or passed != {"right": len(tests), **dict.fromkeys(LIES, 0)}:
            wrong[text] = passed
    assert wrong == {}
