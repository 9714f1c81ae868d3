"""Names that a candidate declares before it gives them a value."""

from __future__ import annotations

import pytest

from plum_lsp.domain.text import Document
from plum_lsp.python.fitting.static import inserted, names_without_definition, parse

LOOP = "start: int\n    for line in lines:\n        if line:\n            print(start)\n        {then}\n"


@pytest.mark.parametrize(("then", "undefined"), [("start = 1", ()), ("pass", ("start",))])
def test_a_declared_name_is_defined_if_it_gets_a_value(then: str, undefined: tuple[str, ...]) -> None:
    """Its value may come from an earlier turn of a loop."""
    before, text = "def f(lines):\n    ", LOOP.format(then=then)
    document = Document(uri="file:///a.py", version=1, text=before + text)
    tree = parse(document.text)
    assert not isinstance(tree, str)
    assert names_without_definition(tree, inserted(before, text))[0] == undefined
