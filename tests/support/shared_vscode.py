"""VS Code for a story of its own, and one that stories share because opening it takes ten seconds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from support import editor_parts
from support.code_server import Host
from support.editing import Desk, server_environment
from support.scripted_policy import ScriptedPolicy
from support.vscode import VSCode


def open_vscode(opened: ExitStack, policy: ScriptedPolicy, folder: Path, **more: Any) -> Desk:
    """Start VS Code on a folder; `opened` ends it. `more` goes to `Host`. A window opens with the first file."""
    (folder / "work").mkdir()
    server_environment(folder, policy)
    host = Host(editor_parts.vscode(), folder, **more)
    opened.callback(host.close)
    return Desk(editor=VSCode(host), policy=policy, folder=folder)


class SharedVSCode:
    """One desk that is lent to one story after the other, as long as each leaves it in order."""

    def __init__(self, new_folder: Callable[[], Path]) -> None:
        self._new_folder = new_folder
        self._opened = ExitStack()
        self._desk: Desk | None = None

    def desk(self) -> Desk:
        """The desk, as if nothing had happened before: with file names of its own, and a policy that knows nothing."""
        desk = self._desk or self._open()
        desk.policy.forget()
        desk.begin()
        return desk

    def tidy(self) -> str:
        """Put in order what a story left. Returns what the next one would find; empty if the desk is in order."""
        assert self._desk
        assert isinstance(self._desk.editor, VSCode)
        return self._desk.editor.tidy()

    def end(self) -> None:
        """End VS Code, its server and its policy. The next desk shares nothing with them."""
        self._desk = None
        self._opened.close()

    def _open(self) -> Desk:
        with ExitStack() as opened:
            policy = opened.enter_context(ScriptedPolicy())
            self._desk = open_vscode(opened, policy, self._new_folder())
            self._opened = opened.pop_all()
        return self._desk
