"""A completion ends before the first line that leaves its block, however its stream is chopped up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.cutting import Cutter

BODY = Block(kind=HoleKind.BODY, indent="    ", line_head="    ")
BARE_BODY = Block(kind=HoleKind.BODY, indent="    ", line_head="")
METHOD = Block(kind=HoleKind.BODY, indent="        ", line_head="        ")
TABS = Block(kind=HoleKind.BODY, indent="\t", line_head="\t")
INNER = Block(kind=HoleKind.BLOCK, indent="        ", line_head="        ")
CLASS = Block(kind=HoleKind.CLASS, indent="    ", line_head="    ")
MODULE = Block(kind=HoleKind.MODULE, indent="", line_head="")


BEFORE_LINE = Block(kind=HoleKind.LINE, indent="        ", line_head="")


def _line(head: str, indent: str = "    ") -> Block:
    return Block(kind=HoleKind.LINE, indent=indent, line_head=head)


def cut(text: str, block: Block) -> tuple[str, bool]:
    """The part of a completion that belongs to the block, and whether text followed it."""
    cutter = Cutter(block)
    cutter.feed(text)
    kept = cutter.close()
    return kept, cutter.has_ended


CASES = [
    ("a test after the function", BODY, "    return 1\n‸\nassert f() == 1\n"),
    ("another function", BODY, "    return 1\n‸\n\ndef g():\n    pass"),
    ("an async function", BODY, "    return 1\n‸\nasync def g():"),
    ("a decorator", BODY, "    return 1\n‸@cache\ndef g():"),
    ("a main guard", BARE_BODY, '    return 1\n‸\nif __name__ == "__main__":\n'),
    ("a first line without indentation", BODY, "return 1\n‸\nprint(1)"),
    ("only another function", BODY, "‸\n\ndef g():\n    pass"),
    ("the next method", METHOD, "        return 1\n‸\n    def g(self):\n"),
    ("tabs", TABS, "\treturn 1\n‸x = 2\n"),
    ("a nested function", BODY, "    def g():\n        return 1\n\n    return g\n‸x"),
    ("a string over lines", BODY, '    x = """\nleft\n"""\n    return x\n‸y'),
    ("brackets over lines", BODY, "    x = [\n1,\n]\n    return x\n‸y"),
    ("a backslash", BODY, "    x = 1 + \\\n2\n    return x\n‸y"),
    ("a quote in a comment", BODY, "    x = 1  # don't (\n‸y = 2"),
    ("a bracket in a string", BODY, "    x = '('\n‸y = 2"),
    ("an unclosed quote ends with its line", BODY, "    x = 'a\n‸y = 2"),
    ("a comment at the margin within", BODY, "    x = 1\n# why\n    return x\n‸y"),
    ("a comment at the margin, then code", BODY, "    return x\n‸# Test\nprint(1)"),
    ("comments at the margin only", BODY, "    return x\n‸# a\n# b\n# c\n# d\n"),
    ("a block the suffix takes over", INNER, "        x += 1\n‸    return x\n"),
    ("else in a block", INNER, "        if x:\n            y\n        else:\n            z\n‸    w"),
    ("the rest of a line", _line("    return "), "a + b\n‸    x = 1\n"),
    ("a bracket opened on the line", _line("    return f("), "a,\n        b)\n‸    x"),
    ("a string opened on the line", _line("    x = '"), "it: \"'\n‸    y"),
    ("a block opened on the line", _line("    if x"), ":\n        return 1\n‸    return 2\n"),
    ("a block opened before the cursor", _line("    if x:"), "\n        return 1\n‸    return 2\n"),
    ("else is a line of its own", _line("    if x"), ":\n        y = 1\n‸    else:\n"),
    ("a dictionary is no block", _line("    x = "), "{1: 2,\n  3: 4}\n‸    y"),
    ("a colon in a comment is no block", _line("    x = "), "1  # note:\n‸    y"),
    ("code at the margin", BEFORE_LINE, "        x = 1\n    y = 2\n‸z = 3\n"),
    ("the next method after whole lines", BEFORE_LINE, "        x = 1\n    y = 2\n‸    def g(self):\n"),
    ("a definition at module level", MODULE, "def f():\n    return 1\n‸\nprint(f())\n"),
    ("a decorated definition", MODULE, "@cache\ndef f():\n    return 1\n‸\n@cache\ndef g():"),
    ("a whole class", CLASS, "def f(self):\n        return 1\n\n    def g(self):\n        return 2\n‸\nx = 1\n"),
    ("statements before a definition", MODULE, "x = 1\ny = 2\n‸\ndef f():\n"),
    (
        "a class with methods",
        MODULE,
        "class A:\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n‸A()",
    ),
]
"""What ends it, the hole, and the completion with a caret where it ends."""


@pytest.mark.parametrize(("block", "marked"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_completion_ends_where_its_block_does(block: Block, marked: str) -> None:
    """The kept text is all that belongs to the block, and the cutter says that it ended."""
    kept, _, rest = marked.partition("‸")
    assert cut(kept + rest, block) == (kept, True)


@pytest.mark.parametrize("block", [BODY, INNER, MODULE, _line("    return ")])
def test_what_stays_inside_is_kept_whole(block: Block) -> None:
    """A completion that never leaves is kept as it is."""
    assert cut("x", block)[0] == "x"
    assert cut("", block) == ("", False)


def test_stream_ends_at_the_first_character_outside() -> None:
    """The stream may be closed before the line that leaves is complete."""
    cutter = Cutter(BODY)
    assert not cutter.feed("    return 1\n\n")
    assert cutter.feed("a")
    assert cutter.text == "    return 1\n"


_LINES = ("    return x\n", "x = 1\n", "\n", "# c\n", "def f():\n", "@d\n", "class A:\n", "        y\n", "else:\n")
_SCRAPS = ("   ", "\t", '"""', "'", '"', "(", ")", "[", "]", "\\", ":", ":\n", "def f", "é", "\r\n", "if x")
_PIECES = st.sampled_from(_LINES + _SCRAPS)
_BLOCKS = st.sampled_from(
    [BODY, BARE_BODY, METHOD, TABS, INNER, MODULE, BEFORE_LINE, _line("    if x"), _line("    f("), _line("'")]
)


@given(pieces=st.lists(_PIECES, max_size=14), block=_BLOCKS, data=st.data())
def test_cutting_does_not_depend_on_chunks(pieces: list[str], block: Block, data: st.DataObject) -> None:
    """However a text is split into chunks, the same part of it is kept."""
    text = "".join(pieces)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    cutter = Cutter(block)
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        if cutter.feed(text[start:end]):
            break
    assert (cutter.close(), cutter.has_ended) == cut(text, block)


@given(pieces=st.lists(_PIECES, max_size=14), block=_BLOCKS)
def test_cutting_again_changes_nothing(pieces: list[str], block: Block) -> None:
    """What was kept once is kept whole the second time, and is a beginning of the text."""
    text = "".join(pieces)
    kept, _ = cut(text, block)
    assert text.startswith(kept)
    assert cut(kept, block)[0] == kept


SAID = Block(kind=HoleKind.BODY, indent="    ", line_head="    ", function="f", names=("a",))
ONCE = "def f(a):\n    b = a\n    return b\n"
OTHER = ONCE.replace("b = a", "b = -a")


@pytest.mark.parametrize("between", ["", "\n\n", "```\n```python\n", "\n```\n\n```python\n"])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_function_that_is_written_again_and_again_ends(between: str, size: int) -> None:
    """The model would go on to its limit of tokens. The text keeps the function."""
    cutter, text = Cutter(SAID), "```python\n" + (ONCE + between) * 20
    for start in range(0, len(text), size):
        if not cutter.has_ended:
            cutter.feed(text[start : start + size])
    assert cutter.has_ended
    assert cutter.close().count("return b") == 2


def test_versions_that_differ_are_read_to_the_last() -> None:
    """A model may correct itself more than once within a block."""
    kept, has_ended = cut(f"```python\n{ONCE}\n\n{OTHER}\n\n{ONCE}\n\n{OTHER}", SAID)
    assert not has_ended
    assert kept.count("return b") == 4
