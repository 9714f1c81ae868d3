"""CONTRIBUTING.md names files and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
BASES = (ROOT, ROOT / "plum_lsp", ROOT / "editor-clients" / "neovim", ROOT / "editor-clients" / "vscode")
"""Paths on the page start at one of these."""


def test_every_file_exists() -> None:
    """A newcomer finds each path. NAME stands for a file that you create."""
    paths = [path for path in re.findall(r"`([\w./-]+/[\w./-]+\.\w+)`", PAGE) if "NAME" not in path]
    assert len(paths) > 20
    assert [path for path in paths if not any((base / path).exists() for base in BASES)] == []


def test_every_test_exists() -> None:
    """The names of tests are those of the suite."""
    suite = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", PAGE) if f"def {name}(" not in suite] == []
