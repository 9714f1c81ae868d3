"""What a candidate's process gets of a file: the code, and nothing of what is said about it."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Program
from plum_lsp.python.reading.quiet import program_to_run, quieted
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of

LIBRARY = Path(sysconfig.get_path("stdlib"))
FILES = [
    "ast.py",
    "textwrap.py",
    "statistics.py",
    "difflib.py",
    "dataclasses.py",
    "argparse.py",
    "doctest.py",
    "heapq.py",
]


def context_of(text: str, cursor: int) -> Context:
    """The context at an offset."""
    document = Document(uri="file:///a.py", version=1, text=text)
    context = read_context(document, cursor, prefix_tokens=50_000, suffix_tokens=50_000)
    assert context is not None
    return context


def without_docstrings(source: str) -> str:
    """The tree of a program, the content of its strings that are statements aside."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant(value="")
    return ast.dump(tree)


@pytest.mark.parametrize("name", FILES)
def test_the_code_stays_what_it_is(name: str) -> None:
    """Only docstrings and comments go; every line keeps its number."""
    text = (LIBRARY / name).read_text()
    returns = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Return)]
    lines = text.splitlines(keepends=True)[: returns[len(returns) // 2].lineno - 1]
    context = context_of(text, len("".join(lines)))
    quiet = program_to_run(context, "").source
    assert without_docstrings(quiet) == without_docstrings(context.before + context.after)
    assert quiet.count("\n") == (context.before + context.after).count("\n")


PROGRAM = '''"""Module.

>>> f(2)
4141
"""
# f(3) -> 4142


class A:
    "f(4) is 4143"

    def f(self, x):  # f(5) == 4144
        r"""Say.

        >>> f(6)
        4145
        """
        # f(7) -> 4146
        """f(8) -> 4147"""
        ‸

    def g(self): "f(9) -> 4148"

    text = "4149 # no comment"


async def h(
    a="4150",
):
    """f(10) -> 4151"""
    return """4152
    # 4153"""
'''


def test_no_example_is_left_in_the_program() -> None:
    """Whatever comment or docstring it stands in; strings that are values stay."""
    cursor = PROGRAM.index("‸")
    source = program_to_run(context_of(PROGRAM.replace("‸", ""), cursor), "return 1").source
    assert [number for number in range(4141, 4154) if str(number) in source] == [4149, 4150, 4152, 4153]
    ast.parse(source)


def test_a_modules_own_docstring_stays_if_it_holds_no_session() -> None:
    """Programs print it as their help."""
    text = '"""Usage: a [options]"""\ndef f():\n    '
    assert "Usage" in program_to_run(context_of(text, len(text)), "pass").source


@pytest.mark.parametrize(
    "literal",
    ['"one" "SECRET"', '("SECRET")', '("one"\n     "SECRET")', '"one" \\\n    "SECRET"', '"""SECRET""";', 'r"SECRET"'],
)
def test_joined_docstrings_go(literal: str) -> None:
    """A docstring may be written as several strings, or in brackets."""
    source = f"class A:\n    def f(self, n):\n        {literal}\n        return n\n"
    quiet = quieted(Program(source=source)).source
    assert "SECRET" not in quiet
    assert without_docstrings(quiet).count("Return") == 1
    assert quiet.count("\n") == source.count("\n")


@pytest.mark.parametrize("line", ['x = """f(2) == 4"""', '"""f(2) == 4""".strip()', '"""f(2) == 4""" + x'])
def test_what_stays_is_not_read_as_an_example(line: str) -> None:
    """A string that is part of the program stays in it, so no test may be made of it."""
    text = f"def f(n):\n    {line}\n    "
    context = context_of(text, len(text))
    assert "f(2) == 4" in program_to_run(context, "return 4").source
    assert examples_of(context) == ()


@pytest.mark.parametrize("head", ['def f(n): "SECRET"; ', 'def f(n): "😀 SECRET" ;', 'class A: ("SECRET");'])
def test_candidate_on_the_line_of_a_docstring(head: str) -> None:
    """The semicolon between them stays."""
    source = program_to_run(context_of(f"{head}\n", len(head)), "x = 1").source
    assert "SECRET" not in source
    ast.parse(source)


def test_long_strings_in_a_header_take_no_time() -> None:
    """The time once doubled with each character of an annotation that is a string, and the server stood still."""
    long = "RetryCallState_of_a_name_that_is_long"
    header = f'def f(a: Call["{long}", "Union[None, {long}]"] = None, b: "{long}" = 1) -> None:\n'
    source = f'{header}    """Says >>> f(1)."""\n    return a\n'
    assert quieted(Program(source=source)).source == f'{header}    """"""\n    return a\n'
