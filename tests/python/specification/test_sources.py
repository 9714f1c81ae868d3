"""Every reader of examples is in the table and in docs/evidence.md, and reads what that page says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Origin, TestCase
from plum_lsp.python import specification
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import TEXT_SOURCES, TextSource, examples_of

PAGE = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text()
ROW = re.compile(r"^\| `(\w+_examples)` \| `(\w+)` \| (.+?) \| `(.+?)` \| (.+?) \|$", re.MULTILINE)
ROWS = {reader: cells for reader, *cells in ROW.findall(PAGE)}


def read_from(cell: str) -> tuple[TestCase, ...]:
    """The tests of `def f(n)` with the spans of this cell, one a line, in its docstring."""
    written = "".join(f"    {line}\n" for line in re.findall(r"`(.+?)`", cell))
    document = Document(uri="file:///a.py", version=1, text=f'def f(n):\n    """Do it.\n\n{written}    """\n    ')
    context = read_context(document, len(document.text), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return examples_of(context)


def test_every_reader_is_in_the_table() -> None:
    """A public function `*_examples(text, surface)` of this package that nothing calls would read nothing."""
    modules = [
        importlib.import_module(f"{specification.__name__}.{found.name}")
        for found in pkgutil.iter_modules(specification.__path__)
    ]
    readers = {
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and re.fullmatch(r"[a-z]\w*_examples", name)
    }
    assert readers == {source.read.__name__ for source in TEXT_SOURCES}


def test_the_page_has_a_row_for_each_and_no_other() -> None:
    """With the origin that the table gives it."""
    documented = {reader: cells[0] for reader, cells in ROWS.items()}
    assert documented == {source.read.__name__: source.origin.value for source in TEXT_SOURCES}


@pytest.mark.parametrize("source", TEXT_SOURCES, ids=lambda source: source.read.__name__)
def test_what_the_page_says_is_read(source: TextSource) -> None:
    """The example makes its one test, and the counterexample makes none."""
    _, written, call, refused = ROWS[source.read.__name__]
    assert [(test.call.expression, test.origin) for test in read_from(written)] == [(call, source.origin)]
    assert read_from(refused) == ()


@pytest.mark.parametrize("origin", Origin)
def test_every_origin_is_explained(origin: Origin) -> None:
    """It has words for people, and the page names it."""
    assert origin.words
    assert f"`{origin.value}`" in PAGE
