"""What the context step finds around the cursor, in buffers that parse and in buffers that do not."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.domain.suggestion import Context, HoleKind
from plum_lsp.domain.text import Document
from plum_lsp.python.reading.lines import parses
from plum_lsp.python.reading.program import idle_program
from plum_lsp.python.reading.window import estimated_tokens, program_with, read_context, reference_program

CURSOR = "‸"


def document_of(marked: str) -> tuple[Document, int]:
    offset = marked.index(CURSOR)
    text = marked.replace(CURSOR, "", 1)
    return Document(uri="file:///a.py", version=1, text=text), offset


def read(marked: str, *, prefix_tokens: int = 2000, suffix_tokens: int = 1000) -> Context | None:
    document, offset = document_of(marked)
    return read_context(document, offset, prefix_tokens=prefix_tokens, suffix_tokens=suffix_tokens)


def found(marked: str) -> Context:
    context = read(marked)
    assert context is not None
    return context


METHOD = '''import os

class Shop:
    """Sells."""

    @staticmethod
    @deco(1,
          2)
    async def price(item: str = "a  b", *rest, tax: float = 0.2, **more) -> float:
        """The price.

        >>> 1
        """
        ‸BLANKS

    def other(self): return 1
'''.replace("BLANKS", "   ")


def test_reads_the_enclosing_method() -> None:
    """Name, class, signature, parameters, decorators and docstring are those of the innermost function."""
    function = found(METHOD).function
    assert function is not None
    assert (function.name, function.qualified_name, function.class_name) == ("price", "Shop.price", "Shop")
    assert function.signature == 'async def price(item: str = "a  b", *rest, tax: float = 0.2, **more) -> float'
    assert function.parameters == ("item", "*rest", "tax", "**more")
    assert function.decorators == ("staticmethod", "deco(1,\n      2)")
    assert function.docstring == "The price.\n\n>>> 1"
    assert (function.is_async, function.is_nested) == (True, False)


def test_the_function_span_runs_from_decorators_to_the_last_line() -> None:
    """The span is in the document's offsets and ends before what follows the function."""
    context = found(METHOD)
    text = METHOD.replace(CURSOR, "")
    assert context.function is not None
    span = context.function.span
    assert text[span.start : span.end].startswith("    @staticmethod")
    assert "def other" not in text[span.start : span.end]


@pytest.mark.parametrize(
    ("marked", "kind", "indent", "head"),
    [
        ("def f(a):\n‸", HoleKind.BODY, "    ", ""),
        ("def f(a):\n    ‸", HoleKind.BODY, "    ", "    "),
        ("def f(a):\n\t‸\n", HoleKind.BODY, "\t", "\t"),
        ("def f(a):\n‸\n\ndef g():\n  pass\n", HoleKind.BODY, "  ", ""),
        ('def f(a):\n    """Doc."""\n‸', HoleKind.BODY, "    ", ""),
        ('def f(a):\n    """Doc."""\n\n‸\n', HoleKind.BODY, "    ", ""),
        ("def f(\n    a,\n):\n    ‸\n", HoleKind.BODY, "    ", "    "),
        ("def f(a):  # note: odd\n    ‸\n", HoleKind.BODY, "    ", "    "),
        ("def f(a):\n    x = 1\n    ‸", HoleKind.BLOCK, "    ", "    "),
        ("def f(a):\n    ‸\n    return a\n", HoleKind.BLOCK, "    ", "    "),
        ("def f(a):\n    for b in a:\n        ‸\n        print(b)\n", HoleKind.BLOCK, "        ", "        "),
        ("def f(a):\n    for b in a:\n        ‸\n    return b\n", HoleKind.BLOCK, "    ", "        "),
        ("def f(a):\n    return a ‸\n", HoleKind.LINE, "    ", "    return a "),
        ("def f(a):\n    x = f(‸)\n", HoleKind.LINE, "    ", "    x = f("),
        ("def f(a):\n    x = [\n        1,\n        ‸\n    ]\n", HoleKind.LINE, "    ", "        "),
        ("x = 1\n‸\n", HoleKind.MODULE, "", ""),
        ("def f():\n    return 1\n\n\n‸", HoleKind.MODULE, "", ""),
        ("def f():\n    return 1\n‸", HoleKind.MODULE, "", ""),
        ("class A:\n    x = 1\n    ‸\n", HoleKind.MODULE, "    ", "    "),
        ("class A:\n    ‸\n", HoleKind.CLASS, "    ", "    "),
        ('class A:\n    """Doc."""\n\n‸', HoleKind.CLASS, "    ", ""),
        ("class A:\n    ‸\n    x = 1\n", HoleKind.MODULE, "    ", "    "),
        ("class A:\n    ‸\n\nx = 1\n", HoleKind.CLASS, "    ", "    "),
    ],
)
def test_knows_where_the_cursor_stands(marked: str, kind: HoleKind, indent: str, head: str) -> None:
    """The kind of hole and the indentation of its block follow from the code around the cursor."""
    block = found(marked).block
    assert (block.kind, block.indent, block.line_head) == (kind, indent, head)


@pytest.mark.parametrize(
    ("marked", "name"),
    [
        ("def f():\n    def g(x):\n        ‸\n    return g\n", "f.g"),
        ("def f():\n    def g(x):\n        return 1\n    ‸\n", "f"),
        ("class A:\n    class B:\n        def m(self):\n            ‸\n", "A.B.m"),
        ("def f(x): return ‸\n", "f"),
        ("async def f(x):\n    await ‸\n", "f"),
        ("if True:\n    def f(x):\n        ‸\n", "f"),
    ],
)
def test_names_the_function_through_its_scopes(marked: str, name: str) -> None:
    """The qualified name is dotted through classes and functions."""
    function = found(marked).function
    assert function is not None and function.qualified_name == name


@pytest.mark.parametrize(
    "marked", ["x = ‸\n", "def f(a‸):\n    return 1\n", "class A:\n    ‸\n", "def f():\n    pass\n\n\n‸"]
)
def test_outside_a_body_there_is_no_function(marked: str) -> None:
    """At module level, in a class body and in a signature no function encloses the cursor."""
    assert found(marked).function is None


@pytest.mark.parametrize(
    "marked",
    [
        "def f():\n    # note ‸\n    return 1\n",
        "x = 1  #‸",
        's = """\ndef f():\n    ‸\n"""\n',
        'def f():\n    """Doc ‸"""\n',
        "x = 'abc‸'\n",
        "x = 'abc‸\n",
        'x = """abc\n‸',
        "‸",
        "  \n‸\n",
    ],
)
def test_abstains_in_comments_strings_and_empty_documents(marked: str) -> None:
    """Where nothing can be completed there is no context."""
    assert read(marked) is None


@pytest.mark.parametrize("marked", ["x = 'abc'‸\n", "y = 1 ‸# note\n", "# it's\nx = ‸\n", "'''doc'''\nx = ‸\n"])
def test_beside_a_string_or_comment_code_can_be_completed(marked: str) -> None:
    """The edge of a literal is not inside it, and an apostrophe in a comment opens nothing."""
    assert read(marked) is not None


def test_crlf_text_is_normalised_but_the_hole_is_not() -> None:
    """All text has `\\n`; the hole counts in the document, covers blanks up to the line end, and leaves the end."""
    marked = "def f(a):\r\n    x = 1\r\n    ‸  \r\n    return x\r\n"
    context = found(marked)
    document, offset = document_of(marked)
    assert "\r" not in context.prefix + context.suffix + context.before + context.after
    assert (context.hole.start, context.hole.end) == (offset, offset + 2)
    assert document.text[context.hole.end :].startswith("\r\n    return x")


def test_a_byte_order_mark_is_left_alone() -> None:
    """The mark is no part of the program and stays in front of the hole."""
    context = found("\ufeffx = ‸\n")
    assert context.before == "x = "
    assert context.hole.start == 5


def test_the_program_is_the_whole_document_where_it_parses() -> None:
    """`before` ends exactly at the cursor, so a candidate is inserted literally."""
    context = found("import os\n\ndef f(a):\n    ‸\n\ndef g():\n    return 1\n")
    assert not context.is_excerpt
    assert context.before.endswith("def f(a):\n    ")
    assert (
        program_with(context, "return a").source == "import os\n\ndef f(a):\n    return a\n\ndef g():\n    return 1\n"
    )


BROKEN = """import os
def broken(:
    x

LIMIT = 3
print("side effect"
class C:
    def bad(self:
        pass
    @property
    def good(self):
        return 1
    def m(self):
        ‸

def helper(): return LIMIT
"""


def test_broken_parts_are_left_out_of_the_program() -> None:
    """What does not parse goes, also inside the cursor's class; imports, helpers and assignments stay."""
    context = found(BROKEN)
    assert context.is_excerpt
    source = program_with(context, "return 1").source
    ast.parse(source)
    assert "def helper" in source and "LIMIT = 3" in source and "import os" in source and "def good" in source
    assert "broken" not in source and "bad" not in source and "side effect" not in source


def test_an_unclosed_bracket_above_does_not_hide_the_function() -> None:
    """A statement that swallowed the rest by mistake ends where the next one begins."""
    context = found("def f(a):\n    x = g(‸\n    return x\n")
    assert context.function is not None and context.function.name == "f"
    ast.parse(program_with(context, "a)").source)


@pytest.mark.parametrize(
    "marked",
    [
        "def f(a):\n‸\n",
        "def f(a):\n    ‸\n    return a\n",
        "def f(a):\n    return a ‸\n",
        "def f(a):\n    return ‸\n",
        "def f(a):\n    if a ‸\n        return 1\n",
        "def f(a):\n    x = g(‸\n    return x\n",
        "def f(a):\n    for b in a:\n‸\n            b += 1\n        else:\n            b -= 1\n",
        "def f(a):\n    x = {**‸ ?? ]\n    return x\n",
        "x = ‸\n",
        "x = 1\n‸\n",
        METHOD,
        BROKEN,
    ],
)
def test_the_reference_program_parses(marked: str) -> None:
    """Whatever the buffer, the program without a candidate can be loaded as source."""
    ast.parse(reference_program(found(marked)).source)


def test_an_unfilled_body_raises() -> None:
    """The reference program answers nothing where the hole is a body."""
    source = reference_program(found("def f(a):\n    ‸\n")).source
    assert source == "def f(a):\n    raise NotImplementedError\n"


def test_a_large_document_is_cut_to_what_the_function_reaches() -> None:
    """Beyond the limit, only helpers that are used, directly or through others, are part of the program."""
    filler = "".join(f"def unused_{number}(a):\n    return a\n\n" for number in range(8000))
    helpers = "import os\nimport math\n\ndef deep():\n    return math.pi\n\ndef used():\n    return deep()\n\n"
    marked = f"{helpers}{filler}def f():\n    x = used()\n    ‸\n"
    context = found(marked)
    assert context.is_excerpt
    assert "def used" in context.before and "def deep" in context.before and "import math" in context.before
    assert "unused_" not in context.before and "import os" not in context.before


def test_the_prefix_keeps_the_budget_and_what_the_cut_lost() -> None:
    """Whole lines nearest the cursor stay; imports, helpers in use and enclosing headers come back on top."""
    filler = "".join(f"def unused_{number}(a):\n    return a\n\n" for number in range(300))
    body = "".join(f"        value_{number} = helper({number})\n" for number in range(60))
    helper = "import os\n\ndef helper(n):\n    return n\n\n"
    marked = f"{helper}{filler}class A:\n    def m(self):\n{body}        ‸\n    rest = 1\n"
    context = read(marked, prefix_tokens=300, suffix_tokens=50)
    assert context is not None
    assert estimated_tokens(context.prefix) <= 300
    assert context.prefix.startswith("import os\ndef helper(n): ...\nclass A:\n    def m(self):\n")
    assert context.prefix.endswith("value_59 = helper(59)\n        ")


def test_the_suffix_keeps_whole_lines() -> None:
    """The suffix ends at a line end within its budget."""
    context = read("def f():\n    ‸\n" + "    some_name = other_name\n" * 50, suffix_tokens=40)
    assert context is not None
    assert estimated_tokens(context.suffix) <= 40
    assert context.suffix.endswith("\n") and context.suffix.count("\n") > 2


def test_reading_twice_gives_the_same() -> None:
    """The context depends on its arguments alone."""
    assert read(BROKEN, prefix_tokens=20) == read(BROKEN, prefix_tokens=20)


PIECES = st.sampled_from(
    [
        "def f(a):\n",
        "    ",
        "\t",
        "return a",
        "x = (",
        ")",
        "\n",
        "\r\n",
        '"""',
        "'",
        "#",
        "class A:\n",
        "if a:\n",
        "é😀",
        "@d\n",
        "\\",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=25), st.integers(min_value=0, max_value=120))
def test_any_buffer_is_read_without_an_error(pieces: list[str], offset: int) -> None:
    """However broken a buffer is, there is a context or none; the hole is inside it and the reference parses."""
    text = "".join(pieces)
    offset = min(offset, len(text))
    context = read_context(Document(uri="u", version=1, text=text), offset, prefix_tokens=50, suffix_tokens=20)
    if context is None:
        return
    assert 0 <= context.hole.start <= context.hole.end <= len(text)
    assert not text[context.hole.start : context.hole.end].strip()
    assert "\r" not in context.before + context.after + context.prefix + context.suffix
    assert parses(reference_program(context).source)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["    x = 1\n", "    return a\n", "    if a:\n        a = 2\n", "\n"]), max_size=6))
def test_a_document_that_parses_is_kept_whole(lines: list[str]) -> None:
    """`before` and `after` are the document itself, split at the cursor."""
    marked = "import os\n\ndef f(a):\n    y = 0\n    ‸\n" + "".join(lines) + "\n\nz = 1\n"
    context = found(marked)
    assert not context.is_excerpt
    assert context.before + CURSOR + context.after == marked


def test_a_list_in_a_docstring_is_no_step_of_indentation() -> None:
    """Its items stand one blank deep, and a body stays four blanks deep."""
    document = '"""Numbers.\n\nIt can\n - add\n - count\n"""\n\ndef add(a, b):\n    ‸\n'
    assert found(document).block.unit == "    "


def test_a_function_that_does_nothing_is_made_of_a_whole_body_only() -> None:
    """It shows which tests need what the function does."""
    idle = idle_program(found("class A:\n    def f(self):\n        ‸\n\n    x = 1\n"))
    assert idle is not None
    assert "def f(self):\n        return\n" in idle.source
    assert idle_program(found("def f(n):\n    m = n\n    ‸\n")) is None
    assert idle_program(found("x = ‸\n")) is None
