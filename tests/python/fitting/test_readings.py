"""Whatever the columns a body is written in, it comes back whole: real functions of the standard library."""

from __future__ import annotations

import ast
import bisect
import calendar
import fractions
import heapq
import inspect
import shlex
import statistics
import textwrap
from dataclasses import replace
from types import ModuleType

import pytest

from plum_lsp.domain.suggestion import Completion, Finish, PolicyVersion
from plum_lsp.domain.text import Document
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.fitting.cutting import Cutter
from plum_lsp.python.reading.window import read_context

VERSION = PolicyVersion(number=0, model="", model_sha256="")
MODULES = (bisect, calendar, fractions, heapq, shlex, statistics, textwrap)
FUNCTIONS_MAX = 4
"""The longest ones of each module."""
OTHER = "\n\n\ndef other(x):\n    return x\n"


def bodies(module: ModuleType) -> list[tuple[str, str, str]]:
    """The text before a body, the body from the start of its first line, and the text after it."""
    source = inspect.getsource(module)
    lines = source.splitlines(keepends=True)
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef) or ast.get_docstring(node) is None or len(node.body) < 2:
            continue
        first, last = node.body[1].lineno, node.body[-1].end_lineno or 0
        body = "".join(lines[first - 1 : last])
        if '"""' not in body and "\\\n" not in body:
            found.append(("".join(lines[: first - 1]), body, "".join(lines[last:])))
    return sorted(found, key=lambda one: -len(one[1]))[:FUNCTIONS_MAX]


CASES = [(module.__name__, number, *case) for module in MODULES for number, case in enumerate(bodies(module))]


@pytest.mark.parametrize("way", ["as it is", "with more", "from the margin", "too deep", "from the cursor", "in tabs"])
@pytest.mark.parametrize(
    ("before", "body", "after"), [one[2:] for one in CASES], ids=[f"{one[0]}{one[1]}" for one in CASES]
)
def test_a_real_body_comes_back_whole(before: str, body: str, after: str, way: str) -> None:
    """The program is the one that was taken apart, and the stream does not end within the body."""
    indent = body[: len(body) - len(body.lstrip())]
    written = {
        "as it is": body,
        "with more": body + OTHER,
        "from the margin": textwrap.dedent(body),
        "too deep": textwrap.indent(body, "    "),
        "from the cursor": body.lstrip(),
        "in tabs": "".join(_tabs(line) for line in body.splitlines(keepends=True)),
    }[way]
    document = Document(uri="file:///one.py", version=1, text=f"{before}{indent}{after}")
    context = read_context(document, len(before + indent), prefix_tokens=1200, suffix_tokens=300)
    assert context is not None
    cutter = Cutter(context.block)
    for start in range(0, len(written), 7):
        cutter.feed(written[start : start + 7])
    completion = replace(
        Completion.written(cutter.close()), finish=Finish.CUT if cutter.has_ended and cutter.is_whole else Finish.STOP
    )
    candidate = make_candidate(completion, context, VERSION)
    assert candidate.problem == ""
    assert ast.dump(ast.parse(f"{before}{indent}{candidate.text}\n{after}")) == ast.dump(
        ast.parse(f"{before}{body}{after}")
    )


def _tabs(line: str) -> str:
    code = line.lstrip(" ")
    blanks = len(line) - len(code)
    return "\t" * (blanks // 4) + " " * (blanks % 4) + code
