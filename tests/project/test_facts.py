"""What the files of a project tell is kept between sessions, in the cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.documents import written

from plum_lsp.domain.project import Project
from plum_lsp.project import test_index
from plum_lsp.project.test_index import TestIndex
from plum_lsp.python.specification.whole_tests import Defined

Known = dict[str, tuple[Defined, ...]]
"""The functions of files, by the files' names."""

CORE = """
    PASSWORD = "hunter2"


    def price(names):
        return len(names) + 1234567
    """
TESTS = """
    from pkg.core import price


    class Base:
        pass


    class TestPrice(Base):
        def test_price(self):
            assert price("price") == price("no_name")
    """


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package with one test."""
    return written(tmp_path / "work", pkg__init="", pkg__core=CORE, tests__test_core=TESTS)


def functions(project: Project, cache: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Known, list[str]]:
    """What a new session knows of the files, and the files that it had to parse."""
    texts: list[str] = []
    usual = test_index.indexed
    monkeypatch.setattr(test_index, "indexed", lambda text: (texts.append(text), usual(text))[1])
    index = TestIndex(exclude=(), cache=cache)
    assert not index.read_ahead(project, seconds=60.0)
    monkeypatch.undo()
    found = {path.name: file.functions or () for path, file in index._kept.items()}
    return found, [name for name in ("test_core.py", "core.py") if any(MARKS[name] in text for text in texts)]


MARKS = {"test_core.py": "class TestPrice", "core.py": "PASSWORD ="}


def test_a_second_session_parses_what_has_changed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows the same of the other files."""
    first, parsed = functions(project, tmp_path / "cache", monkeypatch)
    assert parsed == ["test_core.py", "core.py"]
    again, parsed = functions(project, tmp_path / "cache", monkeypatch)
    assert parsed == []
    assert [(one.name, one.is_test, one.bases) for one in again["test_core.py"]] == [
        (one.name, one.is_test, one.bases) for one in first["test_core.py"]
    ]
    (project.root / "pkg/core.py").write_text("PASSWORD = 1\n")
    _, parsed = functions(project, tmp_path / "cache", monkeypatch)
    assert parsed == ["core.py"]


def test_no_text_but_names_is_kept(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of a string is kept if it is a name of the project, too. The user alone can read it."""
    functions(project, tmp_path / "cache", monkeypatch)
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert "price" in kept.read_text()
    assert not any(text in kept.read_text() for text in ("hunter2", "no_name", "1234567"))
    files, _ = functions(project, tmp_path / "cache", monkeypatch)
    (test,) = (one for one in files["test_core.py"] if one.is_test)
    assert test.texts == frozenset()
    assert test.mentions >= {"price"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"form": 1}', "\xff", "[" * 100_000, None])
def test_a_file_that_cannot_be_used_is_made_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """It is damaged, or other users can write it."""
    functions(project, tmp_path / "cache", monkeypatch)
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    if content is None:
        kept.chmod(0o620)
    else:
        kept.write_bytes(content.encode("latin-1"))
    _, parsed = functions(project, tmp_path / "cache", monkeypatch)
    assert parsed == ["test_core.py", "core.py"]
    assert kept.read_bytes() == whole
    assert kept.stat().st_mode & 0o077 == 0


def test_facts_of_another_form_or_folder_are_not_used(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was copied there tells nothing of this project."""
    functions(project, tmp_path / "cache", monkeypatch)
    (kept,) = (tmp_path / "cache").iterdir()
    value = json.loads(kept.read_text())
    for change in ({"root": "/other"}, {"form": 0}):
        kept.write_text(json.dumps(value | change))
        _, parsed = functions(project, tmp_path / "cache", monkeypatch)
        assert parsed == ["test_core.py", "core.py"]


def test_private_files_are_neither_recalled_nor_kept(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept of a file that has become private is removed."""
    functions(project, tmp_path / "cache", monkeypatch)
    (project.root / ".plumignore").write_text("tests/\n")
    files, parsed = functions(project, tmp_path / "cache", monkeypatch)
    assert parsed == []
    assert "test_core.py" not in files
    (kept,) = (tmp_path / "cache").iterdir()
    assert "TestPrice" not in kept.read_text()
