"""`plum-lsp trust`: what is said is remembered, listed and revoked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_a_folder_is_trusted_listed_and_revoked(user: CommandLine, tmp_path: Path) -> None:
    """One command each; the list is empty again in the end."""
    project = tmp_path / "project"
    project.mkdir()
    assert user.here("trust", "--list").out == "No folder is trusted.\n"
    assert str(project) in user.here("trust", str(project)).out
    assert user.here("trust", "--list").out == f"{project}\n"
    assert str(project) in user.here("trust", "--revoke", str(project)).out
    assert user.here("trust", "--list").out == "No folder is trusted.\n"


def test_revoking_below_a_trusted_folder_says_what_is_left(user: CommandLine, tmp_path: Path) -> None:
    """A parent's trust still covers it, so the command fails and names the parent."""
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    user.here("trust", str(tmp_path / "project"))
    ran = user.here("trust", "--revoke", str(inner))
    assert ran.code == 1
    assert str(tmp_path / "project") in ran.err


def test_a_home_folder_is_refused(user: CommandLine) -> None:
    """With what to do instead."""
    ran = user.run("trust", "/")
    assert ran.code == 1
    assert "more than a project" in ran.err
