"""Real VS Code in a browser (code-server in Chromium), with the packaged extension installed as users install it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from support.editing import ARTIFACTS, PLUM_LSP, until
from support.editor_parts import VSCode as Parts

CLIENT = Path(__file__).parents[2] / "editor-clients" / "vscode"
VSIX = CLIENT / "plum-lsp.vsix"
START_SECONDS_MAX = 60.0
AUTO_SAVE_MS = 100
QUIET_SECONDS = 10 * AUTO_SAVE_MS / 1000
"""With no write for so long, none is under way."""
KEYS = {
    "accept": "Tab",
    "accept_word": "Control+ArrowRight",
    "explain": "Control+Alt+e",
    "next": "Alt+]",
    "previous": "Alt+[",
    "escape": "Escape",
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
    "new": "New Untitled Text File",
    "language": "Change Language Mode",
    "revert_and_close": "View: Revert and Close Editor",
    "pause": "plum: Pause or resume in this file",
    "pause_everywhere": "plum: Pause or resume everywhere",
    "resume_everywhere": "plum: Pause or resume everywhere",
}
SETTINGS: Mapping[str, object] = {
    "plum.server.command": [PLUM_LSP],
    "files.autoSave": "afterDelay",
    "files.autoSaveDelay": AUTO_SAVE_MS,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.minimap.enabled": False,
    "editor.inlineSuggest.showToolbar": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoClosingBrackets": "never",
    "editor.cursorBlinking": "solid",
    "editor.accessibilitySupport": "off",
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.commandCenter.enabled": False,
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
}


class Host:
    """code-server and a browser, shared by the tests of a session; each test gets a window of its own."""

    def __init__(
        self,
        parts: Parts,
        folder: Path,
        *,
        is_plugged: bool = True,
        fresh: Mapping[str, str] | None = None,
        more_extensions: Sequence[Path] = (),
    ) -> None:
        """`fresh`: as it is after its installation in this environment; nothing is set or installed here."""
        self.folder = folder
        self.parts = parts
        self.config = folder / "config.toml"
        self._user_data = folder / "user-data"
        self._extensions = folder / "extensions"
        self._port = _free_port()
        code_server = [str(parts.node), str(parts.code_server)]
        folders = ["--user-data-dir", str(self._user_data), "--extensions-dir", str(self._extensions)]
        env = self._environment() if fresh is None else dict(fresh)
        if fresh is not None:
            folders = []
        else:
            self.write_settings({})
        extensions = [*([VSIX] if is_plugged and fresh is None else []), *more_extensions]
        if extensions:
            flags = [flag for extension in extensions for flag in ("--install-extension", str(extension))]
            subprocess.run([*code_server, *folders, *flags], env=env, check=True, capture_output=True, timeout=120)
        flags = ["--auth", "none", "--bind-addr", f"127.0.0.1:{self._port}", "--disable-telemetry"]
        flags += ["--disable-update-check", "--disable-getting-started-override", "--reconnection-grace-time", "1"]
        self._log = (folder / "code-server.log").open("wb")
        self._server = subprocess.Popen(
            [*code_server, *folders, *flags],
            env=env,
            stdout=self._log,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_for_server()
        self._bridge = Bridge(parts, folder / "profile", env)

    def write_settings(self, more: Mapping[str, object]) -> None:
        """The user's settings."""
        path = self._user_data / "User" / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**SETTINGS, **more}))

    def url(self, folder: Path, file: Path | None = None) -> str:
        """The address of a window on a folder or a workspace file, with a file open."""
        kind = "workspace" if folder.suffix == ".code-workspace" else "folder"
        address = f"http://127.0.0.1:{self._port}/?{kind}={quote(str(folder))}"
        if file is not None:
            remote = f"vscode-remote://127.0.0.1:{self._port}{quote(str(file))}"
            address += "&payload=" + quote(json.dumps([["openFile", remote]]))
        return address

    def ask(self, action: str, **arguments: Any) -> Any:
        """Have the browser do something."""
        return self._bridge.ask(action, **arguments)

    def close(self) -> None:
        """End the browser and the server."""
        self._bridge.close()
        self._server.terminate()
        try:
            self._server.wait(15)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(15)
        self._log.close()

    def _environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        keep = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return {**keep, "HOME": str(home), "LANG": "C.UTF-8", "PLUM_CONFIG_FILE": str(self.config)}

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=5):
                    return
            except OSError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise AssertionError((self.folder / "code-server.log").read_text()[-3000:]) from None
                time.sleep(0.1)


class Bridge:
    """The process that drives the browser. One command at a time."""

    def __init__(self, parts: Parts, profile: Path, env: Mapping[str, str]) -> None:
        script = Path(__file__).with_name("vscode.mjs")
        shutil.rmtree(profile, ignore_errors=True)
        options = {"playwright": str(parts.playwright), "browser": str(parts.browser), "profile": str(profile)}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [str(parts.node), str(script), json.dumps(options)],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer().get("ready")

    def ask(self, action: str, **arguments: Any) -> Any:
        """One command and its answer."""
        with self._lock:
            print(json.dumps({"action": action, **arguments}), file=self._stdin, flush=True)
            answer = self._answer()
        if "error" in answer:
            raise AssertionError(f"{action}: {answer['error']}")
        return answer["value"]

    def close(self) -> None:
        """Close the browser."""
        self._stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(15)
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the browser's driver ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


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
        """Open a file in a window on its folder, go to its end and start to write."""
        self._path = path
        folder = workspace or path.parent
        if self._folder == folder:
            self._open_quickly(path)
        else:
            self.close()
            self._ask("open", url=self._host.url(folder, path))
            self._folder = folder
            if is_to_be_trusted:
                self._trust()
            self._ask("wait", selector=".monaco-editor .view-line")
            if self._is_plugged:
                until(lambda: "plum" in self.status(), lambda: "the extension's status")
                until(lambda: not self._is_starting(), lambda: f"a server, there is {self.status()!r}")
        self._ask("click", selector=".monaco-editor .view-lines")
        self._ask("press", key="Control+End")
        self._ask("evaluate", script="window.plumGhosts.clear(); window.plumLines.clear()")
        if is_to_be_written:
            self._write_last_again(path.read_bytes().decode())

    def end_of_text(self) -> None:
        """Go to the end of the last line with text, in a file that ends with one line end."""
        self._ask("press", key="Control+End")
        self._ask("press", key="ArrowLeft")

    def open_untitled(self) -> None:
        """Open a new Python file beside what is open."""
        self.command("new")
        self._ask("wait", selector=".tab.active[aria-label*='Untitled-1']")
        self.command("language")
        self._ask("wait", selector=".quick-input-widget input[placeholder*='Language']")
        self._ask("type", text="Python")
        self._ask("wait", selector=".quick-input-list .monaco-list-row.focused[aria-label^='Python']")
        self._ask("press", key="Enter")
        until(lambda: self._language() == "Python", lambda: f"a Python file, it is {self._language()!r}")

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

    def open_notebook(self, path: Path, text: str) -> None:
        """Open a notebook beside what is open, and write at the end of its first cell, which holds `text`."""
        warm = path.with_suffix(".py")
        warm.touch()
        self.open(warm)
        self._open_quickly(path)
        self._ask("wait", selector=".notebook-editor .cell .view-lines")
        self._ask("click", selector=".notebook-editor .cell .view-lines")
        self._ask("press", key="Control+End")
        self._write_last_again(text)

    def _open_quickly(self, path: Path) -> None:
        self._ask("press", key="Control+p")
        self._ask("wait", selector=".quick-input-widget input")
        self._ask("type", text=str(path))
        self._ask("wait", selector=f".quick-input-list .monaco-list-row.focused[aria-label*='{path.name}']")
        self._ask("press", key="Enter")
        self._ask("wait", selector=f".tab.active[data-resource-name='{path.name}']")

    def _write_last_again(self, text: str) -> None:
        """VS Code asks while one writes, not when one arrives: write the last line end or character again."""
        last_line = text.splitlines()[-1] if text and not text.endswith("\n") else ""
        if not text:
            return
        for _ in last_line if not last_line.strip() else "x":
            self._ask("press", key="Shift+ArrowLeft")
        self._ask("press", key="Backspace")
        if last_line.strip():
            self.type(text[-1])
        else:
            self._ask("press", key="Backspace")
            self._ask("press", key="Enter")

    def type(self, text: str, *, delay: int = 0) -> None:
        """Press keys, `delay` milliseconds apart."""
        self._ask("type", text=text, delay=delay)

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
        self._ask("press", key="F1")
        self._ask("wait", selector=".quick-input-widget input")
        self._ask("type", text=TITLES[name])
        self._ask("wait", selector=".quick-input-list .monaco-list-row.focused")
        self._ask("press", key="Enter")

    def ghost(self) -> str:
        """The ghost text on the screen."""
        return str(self._ask("ghost")).strip()

    def task(self) -> str:
        """The task whose terminal is open, with `done` behind it if it succeeded; its text is painted, not written."""
        script = (
            "(panel => panel ? panel.innerText + (panel.querySelector('.codicon-check') ? ' done' : '') : '')"
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

    def close(self) -> None:
        """Close the window."""
        if self._folder is not None:
            self._folder = None
            self._ask("close")

    def _ask(self, action: str, **arguments: Any) -> Any:
        return self._host.ask(action, name=self._page, **arguments)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
