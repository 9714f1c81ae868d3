"""A completion ends after a number of statements, as soon as the last of them is whole."""

from __future__ import annotations

import pytest

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.cutting import Cutter

BLOCK = Block(kind=HoleKind.BLOCK, indent="    ", line_head="    ", statements_max=1)
CLASS = Block(kind=HoleKind.CLASS, indent="    ", line_head="    ", statements_max=1)
MODULE = Block(kind=HoleKind.MODULE, indent="", line_head="", statements_max=1)
ENTRY = Block(kind=HoleKind.LINE, indent="    ", line_head="    ", statements_max=1)

CASES = [
    (BLOCK, "total += 1\n", "    count += 1\n"),
    (BLOCK, "total = f(\n        1,\n    )\n", "    count += 1\n"),
    (BLOCK, "    total += 1\n", "    count += 1\n"),
    (BLOCK, "# the sum\n    total += 1\n", "    count += 1\n"),
    (BLOCK, "for a in b:\n        total += a\n", "    return total\n"),
    (BLOCK, "if a:\n        b = 1\n    else:\n        b = 2\n", "    return b\n"),
    (BLOCK, "text = '''a\nb\n'''\n", "    return text\n"),
    (CLASS, "name: str\n", "    age: int\n"),
    (
        CLASS,
        "def __init__(self):\n        self.a = 1\n\n        self.b = 2\n",
        "\n    def f(self):\n        return 1\n",
    ),
    (CLASS, "@property\n    def a(self):\n        return 1\n", "    def f(self):\n        return 1\n"),
    (MODULE, "LIMIT = 3\n", "OTHER = 4\n"),
    (ENTRY, '"JPY": "¥",\n', '    "CHF": "Fr",\n'),
]


@pytest.mark.parametrize("block, kept, more", CASES)
def test_it_ends_after_the_first_statement(block: Block, kept: str, more: str) -> None:
    """The statement is kept with its block and its decorators, and nothing behind it. Chunks change nothing."""
    for size in (1, 1000):
        cutter = Cutter(block)
        text = kept + more
        for start in range(0, len(text), size):
            cutter.feed(text[start : start + size])
        assert cutter.close().rstrip() == kept.rstrip()
        assert cutter.has_ended
        assert cutter.is_whole


@pytest.mark.parametrize("block, kept", [(BLOCK, "total += 1\n"), (ENTRY, '"JPY": "¥",\n'), (MODULE, "LIMIT = 3\n")])
def test_a_simple_statement_ends_with_its_line(block: Block, kept: str) -> None:
    """The stream can be closed at the line's end, without a look at the next line."""
    cutter = Cutter(block)
    assert not cutter.feed(kept[:-1])
    assert cutter.feed("\n")


def test_without_a_limit_it_goes_on() -> None:
    """0 is no limit."""
    cutter = Cutter(Block(kind=HoleKind.BLOCK, indent="    ", line_head="    "))
    assert not cutter.feed("a = 1\n    b = 2\n    for c in d:\n        e = 1\n    f = 2\n")


@pytest.mark.parametrize(
    "kept, more",
    [
        ("assert f(1) == 2\n", "    assert f(2) == 3\n"),
        ("given = [1, 2]\n    expected = 3\n    assert sum(given) == expected\n", "    assert sum([]) == 0\n"),
        ("with pytest.raises(ValueError):\n        f(-1)\n", "    assert f(2) == 3\n"),
        ("for a in range(3):\n        assert f(a) == a\n", "    assert f(2) == 3\n"),
        ("self.assertEqual(f(1), 2)\n", "    self.assertEqual(f(2), 3)\n"),
    ],
)
def test_a_test_ends_after_its_first_assertion(kept: str, more: str) -> None:
    """What a test prepares belongs to the assertion below it."""
    block = Block(kind=HoleKind.BODY, indent="    ", line_head="    ", function="test_f", statements_max=1)
    cutter = Cutter(block)
    cutter.feed(kept + more)
    assert cutter.close() == kept
    assert cutter.has_ended
    assert cutter.is_whole
