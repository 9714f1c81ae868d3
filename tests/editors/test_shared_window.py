"""Stories share a window of VS Code. None finds what an earlier one left, or broke."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.documented import ROOT
from support.editing import Desk, until
from support.stories import shown
from support.vscode import VSCode

pytestmark = [pytest.mark.slow, pytest.mark.editors]

BROKEN_STORIES = Path(__file__).with_name("broken_stories.py")


def test_what_a_story_leaves_open_is_closed(vscode: Desk) -> None:
    """Files, an offer, the command palette and a terminal."""
    shown(vscode)
    editor = vscode.editor
    assert isinstance(editor, VSCode)
    editor.command("report")
    editor.press("palette")
    until(lambda: "quick-input-widget" in editor.left_over(), editor.left_over)
    assert editor.tidy() == ""
    assert editor.left_over() == ""


def test_a_window_that_cannot_be_put_in_order_is_told(vscode: Desk) -> None:
    """Here the next story would find that plum is paused."""
    editor = vscode.editor
    assert isinstance(editor, VSCode)
    editor.open(vscode.write(""))
    editor.command("pause_everywhere")
    vscode.wait_for_status("paused")
    assert "paused" in editor.tidy(seconds=0)
    editor.command("resume_everywhere")
    vscode.wait_for_status("ready")
    assert editor.tidy() == ""


def test_a_story_that_fails_takes_no_other_with_it() -> None:
    """After one that ended the browser itself, the next has an offer accepted."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(BROKEN_STORIES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
