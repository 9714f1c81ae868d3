"""Which tests a project's files name for a function."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from support.documents import UNFILLED, written

from plum_lsp.domain.text import Document
from plum_lsp.project.test_index import TestIndex
from plum_lsp.python.reading.window import read_context


def found(root: Path, path: str, **files: str) -> list[str]:
    """The tests of the function at the hole in a document of a made-up project."""
    project = written(root, **files)
    text = (root / path).read_text()
    document = Document(uri=(root / path).as_uri(), version=1, text=text.replace(UNFILLED, ""))
    context = read_context(document, text.index(UNFILLED), prefix_tokens=1000, suffix_tokens=500)
    assert context is not None
    return [test.quote for test in TestIndex(exclude=()).tests_of(project, root / path, context)]


def test_a_special_function_of_a_module_is_reached_by_the_name_of_the_module(tmp_path: Path) -> None:
    """Nothing calls it by its own name."""
    body = f"def __getattr__(name):\n    {UNFILLED}\n"
    test = "import pkg\nfrom pkg import lazy\n\n\ndef test_version():\n    assert {}.version == 1\n"
    files = {"tests__test_a": test.format("pkg"), "tests__test_b": test.format("lazy")}
    assert found(tmp_path / "a", "pkg/__init__.py", pkg__init=body, **files) == ["tests/test_a.py::test_version"]
    assert found(tmp_path / "b", "pkg/lazy.py", pkg__lazy=body, **files) == ["tests/test_b.py::test_version"]


HEAD = "TABLE: dict[str, object] = {}\n\n\ndef run(name, *given):\n    return TABLE[name](*given)\n\n\n"
KEEP = "def keep(name):\n    def inner(f):\n        TABLE[name] = f\n        return f\n    return inner\n\n\n"
ADD = f"def _add(a, b):\n    {UNFILLED}\n"


@pytest.mark.parametrize(
    ("core", "call"),
    [
        (HEAD + KEEP + '@keep("add")\n' + ADD, "run('add', 1, 2)"),
        (HEAD + KEEP + "@keep(1)\n" + ADD, "run(1, 1, 2)"),
        (HEAD + KEEP + ADD + "\n\nkeep('add')(_add)\n", "run('a' + 'dd', 1, 2)"),
        (HEAD + ADD + "\n\nTABLE['add'] = _add\n", "run('a' + 'dd', 1, 2)"),
        (HEAD + ADD + "\n\nTABLE.update(add=_add)\n", "run('a' + 'dd', 1, 2)"),
        ("from .kept import table\n\n\n@table.keep\n" + ADD, "table[0](1, 2)"),
        (ADD + "\n\nTABLE: dict[str, object] = {'add': _add}\n", "TABLE['a' + 'dd'](1, 2)"),
        ("@singledispatch\ndef sum_of(a): ...\n\n\n@sum_of.register\n" + ADD.replace("_add", "_"), "sum_of(1)"),
    ],
    ids=["decorator's word", "decorator", "call", "entry", "update", "object", "annotated", "singledispatch"],
)
def test_a_function_that_a_table_keeps_is_reached_through_it(tmp_path: Path, core: str, call: str) -> None:
    """Tests call it by a key, and nothing names it but what keeps it."""
    test = f"from pkg.core import *\n\n\ndef test_a():\n    assert {call} == 3\n"
    files = {"pkg__core": core, "tests__test_a": test}
    assert found(tmp_path / "a", "pkg/core.py", pkg__init="", **files) == ["tests/test_a.py::test_a"]


def test_decorators_of_libraries_connect_no_functions(tmp_path: Path) -> None:
    """Two functions with the same cache, or two properties, have nothing to do with each other."""
    core = "import functools\nfrom functools import cache\n\n\n@cache\n@functools.lru_cache(maxsize='other')\n"
    core += ADD + "\n\n@cache\n@functools.lru_cache\ndef other():\n    return 1\n"
    test = "from pkg.core import other\n\n\ndef test_a():\n    assert other() == 1\n"
    assert found(tmp_path / "a", "pkg/core.py", pkg__init="", pkg__core=core, tests__test_a=test) == []


def test_files_are_read_ahead_in_steps(tmp_path: Path) -> None:
    """A step that has no time reads nothing. The last one says that nothing is left."""
    project = written(
        tmp_path / "a", pkg__init="", pkg__core="def f():\n    pass\n", tests__test_a="def test_a():\n    f()\n"
    )
    index = TestIndex(exclude=())
    assert index.read_ahead(project, seconds=0.0)
    assert not index.read_ahead(project, seconds=60.0)
    assert all(file.functions is not None for file in index._kept.values())
    assert len(index._kept) == 3


def test_a_busy_machine_does_not_end_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes hold the processor for two seconds. The search has not worked in this time."""
    clock = itertools.chain([0.0], itertools.repeat(2.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    files = {"pkg__core": f"def f():\n    {UNFILLED}\n", "tests__test_a": "def test_a():\n    assert f() == 1\n"}
    assert found(tmp_path / "a", "pkg/core.py", pkg__init="", **files) == ["tests/test_a.py::test_a"]
