"""Two stories in the shared window, run by a test of their own: the first one fails and breaks it."""

from __future__ import annotations

from support.editing import Desk
from support.stories import shown
from support.vscode import VSCode


def test_the_browser_ends(vscode: Desk) -> None:
    """Fails, as it should."""
    shown(vscode)
    assert isinstance(vscode.editor, VSCode)
    vscode.editor.break_off()
    assert vscode.editor.ghost() == ""


def test_an_offer_is_accepted(vscode: Desk) -> None:
    """Passes."""
    shown(vscode)
    vscode.editor.press("accept")
    vscode.wait_for_fates("accepted")
