"""Messages name pages of the documentation by files that are there."""

from __future__ import annotations

import re
from pathlib import Path

from support.documented import ROOT

from plum_lsp.files.pages import page

SOURCES = [*(ROOT / "plum_lsp").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")]


def test_every_page_that_a_message_names_is_there() -> None:
    """In a checkout it is the checkout's."""
    named = {name for source in SOURCES for name in re.findall(r"\{page\('([^']+)'\)\}", source.read_text())}
    assert len(named) >= 5
    assert [name for name in named if Path(page(name)) != ROOT / "docs" / name or not Path(page(name)).is_file()] == []


def test_a_page_that_is_not_installed_is_named() -> None:
    """A wheel may have been built from sources without documentation."""
    assert page("absent.md") == "docs/absent.md"
