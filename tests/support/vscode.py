"""A window of real VS Code in a browser: what its user does and sees."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from support.code_server import AUTO_SAVE_MS, Host
from support.editing import ARTIFACTS, until

QUIET_SECONDS = 10 * AUTO_SAVE_MS / 1000
"""With no write for so long, none is under way."""
TIDY_SECONDS = 15.0
CLOSED_BY = {"close": ".tab", "close_panel": ".part.panel", "clear_messages": ".notification-toast"}
"""What a story may leave open, by the command that closes it."""
LEFT_OVER = [*CLOSED_BY.values(), ".monaco-dialog-box", ".quick-input-widget", ".monaco-hover:not(.hidden)"]
VISIBLE = """
[...document.querySelectorAll(%s)].filter(one => one.checkVisibility())
  .map(one => `${one.className.split(" ")[0]}: ${one.innerText.slice(0, 80)}`).join(", ")
"""
UNSOUND = ("not started", "starting", "not found", "did not start", "the server ended", "paused")
KEYS = {
    "accept": "Tab",
    "accept_word": "Control+ArrowRight",
    "explain": "Control+Alt+e",
    "next": "Alt+]",
    "previous": "Alt+[",
    "escape": "Escape",
    "palette": "F1",
    "newline": "Enter",
    "backspace": "Backspace",
}
TITLES = {
    "trigger": "plum: Ask for an offer now",
    "accept_line": "plum: Accept the next line of the offer",
    "restart": "plum: Restart the server",
    "report": "plum: Show the last request as it was recorded",
    "revert": "File: Revert File",
    "close": "View: Close All Editors",
    "close_panel": "View: Hide Panel",
    "clear_messages": "Notifications: Clear All Notifications",
    "language": "Change Language Mode",
    "revert_and_close": "View: Revert and Close Editor",
    "pause": "plum: Pause or resume in this file",
    "pause_everywhere": "plum: Pause or resume everywhere",
    "resume_everywhere": "plum: Pause or resume everywhere",
}


class VSCode:
    """One window of VS Code."""

    name = "vscode"

    def __init__(self, host: Host, *, is_plugged: bool = True) -> None:
        self._host = host
        self._is_plugged = is_plugged
        self._folder: Path | None = None
        self._page = f"page-{time.monotonic_ns()}"
        self._path = Path()

    def open(
        self,
        path: Path,
        *,
        workspace: Path | None = None,
        is_to_be_trusted: bool = False,
        is_to_be_written: bool = True,
    ) -> None:
        """Open a file in a window on its folder and go to its end.

        Args:
            path: the file.
            workspace: the folder of the window, if it is not the file's.
            is_to_be_trusted: the folder is to be trusted first.
            is_to_be_written: VS Code asks while one writes, not when one arrives. So the file is opened without its
                last line end or character, which is then written; where it is open already, VS Code is told to ask.
        """
        is_open = self._path == path
        self._path = path
        folder = workspace or path.parent
        text = path.read_bytes().decode()
        before, last_key = unfinished(text)
        if is_to_be_written and not is_open:
            path.write_bytes(before.encode())
        if self._folder == folder:
            self._open_quickly(path)
        else:
            self.close()
            self._ask("open", url=self._host.url(folder, path))
            self._folder = folder
            if is_to_be_trusted:
                self._trust()
            self._ask("wait", selector=f"{_editor(path)} .view-line")
            if self._is_plugged:
                until(lambda: "plum" in self.status(), lambda: "the extension's status")
                until(lambda: not self._is_starting(), lambda: f"a server, there is {self.status()!r}")
        self._focus(_editor(path))
        self._ask("press", key="Control+End")
        self._ask("evaluate", script="window.plumGhosts.clear(); window.plumLines.clear()")
        if is_to_be_written and is_open:
            self.command("trigger")
        elif is_to_be_written and last_key:
            self._ask("press", key=last_key)
            until(lambda: path.read_bytes().decode() == text, lambda: f"{text!r}, there is {self.content()!r}")

    def _focus(self, editor: str) -> None:
        """Click into an editor, and wait until it has the keys."""
        self._ask("click", selector=f"{editor} .view-lines")
        self._ask("wait", selector=f"{editor}.focused")

    def end_of_text(self) -> None:
        """Go to the end of the last line with text, in a file that ends with one line end."""
        self._ask("press", key="Control+End")
        self._ask("press", key="ArrowLeft")

    def open_untitled(self) -> None:
        """Open a new Python file beside what is open."""
        self._ask("press", key="Control+Alt+n")  # The palette puts the command that compares two of them first.
        self._ask("wait", selector=".tab.active[aria-label*='Untitled-1']")
        self._pick("language")
        self._ask("wait", selector=".quick-input-widget input[placeholder*='Language']")
        self.insert("Python")
        self._ask("wait", selector=".quick-input-list .monaco-list-row.focused[aria-label^='Python']")
        self._ask("press", key="Enter")
        until(lambda: self._language() == "Python", lambda: f"a Python file, it is {self._language()!r}")
        self._ask("gone", selector=".quick-input-widget")
        self._ask("wait", selector=".editor-instance .monaco-editor.focused")

    def _language(self) -> str:
        return str(self._ask("evaluate", script="document.querySelector('#status\\\\.editor\\\\.mode')?.textContent"))

    def discard(self) -> None:
        """Close the file without a name."""
        self.command("revert_and_close")

    def _is_starting(self) -> bool:
        return any(words in self.status() for words in ("starting", "not started"))

    def _trust(self) -> None:
        """Trust the folder by way of the bar that says that it is not trusted."""
        trust = ".workspace-trust-editor .monaco-button:has-text('Trust') >> nth=0"
        self._ask("click", selector=".part.banner a:has-text('Manage')")
        self._ask("wait", selector=trust)
        self._ask("click", selector=trust)
        self._ask("wait", selector=".workspace-trust-editor :text('You trust this folder')")
        self._ask("click", selector=".modal-editor-action-container .codicon-close")

    def open_notebook(self, path: Path, last_key: str) -> None:
        """Open a notebook beside what is open, and write at the end of its first cell."""
        warm = path.with_suffix(".py")
        warm.touch()
        self.open(warm)
        self._open_quickly(path)
        self._ask("wait", selector=".notebook-editor .cell .view-lines")
        self._focus(".notebook-editor .cell .monaco-editor")
        self._ask("press", key="Control+End")
        self._ask("press", key=last_key)

    def _open_quickly(self, path: Path) -> None:
        self._ask("press", key="Control+p")
        self._ask("wait", selector=".quick-input-widget input")
        self.insert(str(path))
        self._ask("wait", selector=f".quick-input-list .monaco-list-row.focused[aria-label*='{path.name}']")
        self._ask("press", key="Enter")
        self._ask("wait", selector=f".tab.active[data-resource-name='{path.name}']")

    def type(self, text: str, *, delay: int = 0) -> None:
        """Press keys, `delay` milliseconds apart."""
        self._ask("type", text=text, delay=delay)

    def insert(self, text: str) -> None:
        """Put in a text at once, as from the clipboard: VS Code cannot ask in the middle of it."""
        self._ask("insert", text=text)

    def rewrite_line(self, text: str) -> None:
        """Put `text` in the place of the cursor's line."""
        self._ask("press", key="End")
        self._ask("press", key="Shift+Home")
        self.type(text)

    def press_timed(self, key: str) -> float:
        """Press one key at the end of the line; the milliseconds until a frame shows it."""
        return float(self._ask("pressTimed", key=key))

    def press(self, action: str) -> None:
        """Press the key of an action, or run its command where it has no key."""
        if action in KEYS:
            self._ask("press", key=KEYS[action])
        else:
            self.command(action)

    def command(self, name: str, argument: str = "") -> None:
        """Run a command from the palette."""
        self._pick(name)
        self._ask("gone", selector=".quick-input-widget")

    def _pick(self, name: str) -> None:
        """Pick a command, and no other: the palette lists those used last until it has read what was typed."""
        self._ask("press", key="F1")
        self._ask("wait", selector=".quick-input-widget input")
        self.insert(TITLES[name])
        row, title = ".quick-input-list .monaco-list-row.focused", TITLES[name]
        self._ask("wait", selector=f"{row}[aria-label='{title}'], {row}[aria-label^='{title},']")
        self._ask("press", key="Enter")

    def ghost(self) -> str:
        """The ghost text on the screen."""
        return str(self._ask("ghost")).strip()

    def task(self) -> str:
        """The task whose terminal is open, with `done` behind it if it succeeded; its text is painted, not written."""
        script = (
            "(panel => panel?.checkVisibility()"
            " ? panel.innerText + (panel.querySelector('.codicon-check') ? ' done' : '') : '')"
            "(document.querySelector('.part.panel'))"
        )
        return str(self._ask("evaluate", script=script) or "")

    def status(self) -> str:
        """The extension's item in the status bar."""
        script = (
            "[...document.querySelectorAll('.statusbar-item')].map(i => i.textContent).find(t => t.includes('plum:'))"
        )
        return re.sub(r"\s+", " ", str(self._ask("evaluate", script=script) or "")).strip()

    def evidence(self) -> str:
        """The hover on the screen."""
        script = "[...document.querySelectorAll('.monaco-hover:not(.hidden)')].map(i => i.innerText).join('\\n')"
        return str(self._ask("evaluate", script=script))

    def wait_for_label(self) -> None:
        """Nothing: the extension cannot draw one, and tells of an offer before VS Code draws it."""

    def content(self) -> str:
        """The file, which VS Code saves a moment after each change."""
        return self._path.read_bytes().decode().replace("\r\n", "\n")

    def save(self) -> None:
        """Write the file if it was changed, and wait until VS Code, which saves by itself here, has no more to write.

        The mark of a changed file is no help: VS Code does not show it while it is about to save by itself.
        """
        written = self._path.stat().st_mtime_ns
        self._ask("press", key="Control+s")
        since = time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            if (now := self._path.stat().st_mtime_ns) != written:
                written, since = now, time.monotonic()
            time.sleep(0.05)

    def drawn(self, pattern: str) -> list[tuple[str, ...]]:
        """The groups of a pattern in each frame that had ghost text."""
        frames = self._ask("evaluate", script="[...window.plumLines]")
        found = (re.search(pattern, re.sub(r"\s+", " ", str(frame))) for frame in frames)
        return [match.groups() for match in found if match]

    def reload(self) -> None:
        """Have VS Code read the file again, and wait until it shows its first line.

        It would see the change by itself, were its watcher not a compiled module, which npm builds where it may.
        """
        self.command("revert")
        first = self.content().splitlines()[0]
        lines = "document.querySelector('.view-lines').innerText.replaceAll('\u00a0', ' ')"
        until(lambda: first in str(self._ask("evaluate", script=lines)), lambda: f"{first!r} on the screen")

    def seen_ghosts(self) -> set[str]:
        """Every ghost text that was drawn."""
        return {str(text).strip() for text in self._ask("ghosts")}

    def screenshot(self, name: str) -> Path:
        """A picture of the window."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{self.name}-{name}.png"
        self._ask("screenshot", path=str(path))
        return path

    def tidy(self, *, seconds: float = TIDY_SECONDS) -> str:
        """Close what a story left open, also what opens only now.

        Returns:
            What keeps the window from being as good as new; empty if it is.
        """
        try:
            self._ask("press", key="Escape")
            until(self._is_tidied, self.left_over, seconds=seconds)
        except AssertionError as error:
            return str(error)
        return ""

    def _is_tidied(self) -> bool:
        """Close what has a command for it. Returns whether nothing is open."""
        for command, selector in CLOSED_BY.items():
            if self._ask("evaluate", script=VISIBLE % json.dumps(selector)):
                self.command(command)
        return not self.left_over()

    def left_over(self) -> str:
        """What is open in the window, and what is wrong with its server."""
        found = str(self._ask("evaluate", script=VISIBLE % json.dumps(", ".join(LEFT_OVER))))
        status = self.status()
        is_sound = "plum:" in status and not any(words in status for words in UNSOUND)
        return found if is_sound else f"{found} the status {status!r}".strip()

    def break_off(self) -> None:
        """End the browser under the window."""
        self._host.break_off()

    def close(self) -> None:
        """Close the window."""
        if self._folder is not None:
            self._folder = None
            self._ask("close")

    def _ask(self, action: str, **arguments: Any) -> Any:
        return self._host.ask(action, name=self._page, **arguments)


def _editor(path: Path) -> str:
    """The editor that shows a file: the tab of a file is there a moment before its text."""
    return f".monaco-editor[data-uri$='/{path.name}']"


def unfinished(text: str) -> tuple[str, str]:
    """A text without its last line end and indentation, or without its last character; and the key that writes that.

    One key is one change: between two, VS Code may ask, and what it is offered there is offered, too.
    """
    before, end, last_line = text.rpartition("\n")
    if end and not last_line.strip():
        return before.removesuffix("\r"), "Enter"
    return text[:-1], text[-1:]
