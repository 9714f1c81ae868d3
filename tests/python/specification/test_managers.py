"""What a docstring's `with` says of `__enter__` and `__exit__`: its body's values, and the state after it."""

from __future__ import annotations

import pytest

from plum_lsp.domain.text import Document
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of

CLASS = '''class Thing:
    """A thing.

{session}
    """

    def __init__(self):
        self.log = []

    def __enter__(self):
        {enter}

    def __exit__(self, *args):
        {leave}

    def go(self):
        return 1
'''
LEFT = "_manager.__exit__(None, None, None)"
AFTER = [
    ">>> with Thing() as t:\n...     t.go()\n1\n>>> t.log\n['in', 'out']",
    ">>> with Thing() as t:\n...     x = t.go()\n>>> t.log\n['in', 'out']",
    ">>> with Thing() as t:\n...     t.go()\n1\n>>> print(t.log)\n['in', 'out']",
    ">>> with Thing() as t:\n...     x = t.go()\n>>> len(t.log)\n2",
]


def stated_by(session: str, hole: str) -> list[tuple[str, str]]:
    """The last line of the setup and the expression of each test."""
    lines = "\n".join(f"    {line}" for line in session.split("\n"))
    filled = {"enter": "return self", "leave": "pass", hole: "‸"}
    text = CLASS.format(session=lines, **filled)
    at = text.index("‸")
    document = Document(uri="file:///a.py", version=1, text=text.replace("‸", ""))
    context = read_context(document, at, prefix_tokens=1200, suffix_tokens=300)
    assert context is not None
    return [(one.call.setup.rpartition("\n")[2], one.call.expression) for one in examples_of(context)]


@pytest.mark.parametrize("hole", ["enter", "leave"])
@pytest.mark.parametrize("session", AFTER)
def test_state_after_the_block(session: str, hole: str) -> None:
    """It is asked after `__exit__`, whatever name the block gives its object."""
    last, expression = stated_by(session, hole)[-1]
    assert last == LEFT
    assert "t.log" in expression


@pytest.mark.parametrize("line", ["t.log", "print(t.log)", "assert t.log == ['in']"])
def test_state_within_the_block(line: str) -> None:
    """It is evidence for `__enter__`, and none for `__exit__`, which runs later."""
    shown = "" if line.startswith("assert") else "\n['in']"
    session = f">>> with Thing() as t:\n...     {line}{shown}"
    assert [last for last, _ in stated_by(session, "enter")] == ["t = _manager.__enter__()"]
    assert stated_by(session, "leave") == []


def test_each_print_shows_its_line() -> None:
    """With as many lines as calls of `print`, each is a test. Otherwise none is."""
    session = ">>> with Thing() as t:\n...     print(t.log)\n...     print(t.go())\n['in']\n1"
    assert [expression for _, expression in stated_by(session, "enter")] == ["print(t.log)", "print(t.go())"]
    assert stated_by(f"{session}\n2", "enter") == []
