"""Copies of a document are found again after a change, and each file is read once for all functions."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from support.projects import tree

from plum_lsp.domain.verification import InModule
from plum_lsp.sandbox.projects import texts
from plum_lsp.sandbox.projects.copies import Copies
from plum_lsp.sandbox.projects.installed import Installed

CORE = """def total(rows):
    ‸found = [row.price * row.count for row in rows]
    return sum(found, start=0)


def average(rows):
    ‸prices = [row.price for row in rows if row.price]
    return sum(prices) / len(prices)
"""
COPY = CORE.replace("‸", "")


def module(root: Path, name: str) -> InModule:
    """The document with the hole in one of its functions."""
    lines = COPY.splitlines()
    line = lines.index(f"def {name}(rows):") + 1
    base = "\n".join([*lines[:line], "    raise NotImplementedError", *lines[line + 2 :]])
    path = root / "core.py"
    return InModule(name="core", path=str(path), import_root=str(root), is_package=False, base=base, hole_line=line + 1)


def test_a_file_is_read_once_for_all_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for another function of the document compares it with what is known of the files."""
    tree(tmp_path, {"core.py": COPY, "old.py": COPY, "other.py": "x = 1\n"})
    read, counted = texts.read, Counter[str]()

    def counting(path: str) -> texts.Text:
        counted[Path(path).name] += 1
        return read(path)

    monkeypatch.setattr(texts, "read", counting)
    copies = Copies(Installed(()))
    for name in ("total", "average", "total"):
        assert copies.of(module(tmp_path, name), [str(tmp_path)], ()) == [str(tmp_path / "old.py")], name
    assert counted == {"core.py": 1, "old.py": 1, "other.py": 1}


def test_a_file_that_becomes_a_copy_is_found(tmp_path: Path) -> None:
    """Also if it was read ahead before it changed."""
    tree(tmp_path, {"core.py": COPY, "other.py": "x = 1\n"})
    copies = Copies(Installed(()))
    for path in copies.near([str(tmp_path)]):
        copies.read_ahead(path)
    assert copies.of(module(tmp_path, "total"), [str(tmp_path)], ()) == []
    tree(tmp_path, {"other.py": COPY})
    assert copies.of(module(tmp_path, "total"), [str(tmp_path)], ()) == [str(tmp_path / "other.py")]


def test_the_texts_that_are_kept_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are read again."""
    monkeypatch.setattr(texts, "KEPT_BYTES_MAX", 10)
    tree(tmp_path, dict.fromkeys(("a.py", "b.py"), "123456"))
    kept = texts.Texts()
    first = kept.of(str(tmp_path / "a.py"))
    assert kept.of(str(tmp_path / "a.py")) is first
    kept.of(str(tmp_path / "b.py"))
    assert kept.of(str(tmp_path / "a.py")) is not first


def test_only_files_of_tests_that_name_the_function_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large suite takes seconds to parse."""
    tests = {"tests/test_total.py": "def test_total():\n    assert total([]) == 0\n", "tests/test_more.py": "x = 1\n"}
    tree(tmp_path, {"core.py": COPY, **tests})
    parsed: list[str] = []
    parse = ast.parse

    def noted(text: str) -> ast.Module:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(ast, "parse", noted)
    Copies(Installed(())).of(module(tmp_path, "total"), [str(tmp_path / "core.py")], [str(tmp_path / "tests")])
    assert tests["tests/test_total.py"] in parsed
    assert tests["tests/test_more.py"] not in parsed
