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
