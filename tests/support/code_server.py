"""code-server and the browser that shows it: where a window of VS Code lives."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from support.editing import PLUM_LSP
from support.editor_parts import VSCode as Parts

CLIENT = Path(__file__).parents[2] / "editor-clients" / "vscode"
VSIX = CLIENT / "plum-lsp.vsix"
START_SECONDS_MAX = 60.0
END_SECONDS_MAX = 15.0
ANSWER_SECONDS_MAX = 100.0
"""Longer than the browser itself waits for anything."""
LISTENING = re.compile(r"HTTP server listening on http://127\.0\.0\.1:(\d+)/")
AUTO_SAVE_MS = 100
SETTINGS: Mapping[str, object] = {
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
    "chat.disableAIFeatures": True,
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
}
UNTRUSTING: Mapping[str, object] = {
    "security.workspace.trust.enabled": True,
    "security.workspace.trust.startupPrompt": "never",
    "security.workspace.trust.untrustedFiles": "open",
}
"""VS Code as it comes trusts no folder before it is told to; here it does not ask."""
PLUM_SETTINGS: Mapping[str, object] = {"plum.server.command": [PLUM_LSP]}


class Host:
    """code-server and a browser, with the packaged extension installed as users install it."""

    def __init__(
        self,
        parts: Parts,
        folder: Path,
        *,
        is_plugged: bool = True,
        fresh: Mapping[str, str] | None = None,
        more_extensions: Sequence[Path] = (),
        settings: Mapping[str, object] | None = None,
        plum_settings: Mapping[str, object] = PLUM_SETTINGS,
        is_misplaced: bool = False,
    ) -> None:
        """Start both.

        Args:
            fresh: as it is after its installation in this environment; nothing is set or installed here.
            settings: the editor's own settings that differ from `SETTINGS`.
            plum_settings: those of the extension.
            is_misplaced: the extension's settings stand in the user's file, which a remote window does not read for
                good, instead of the remote settings.
        """
        self.folder = folder
        self.parts = parts
        self.config = folder / "config.toml"
        self._user_data = folder / "user-data"
        self._extensions = folder / "extensions"
        self._port = 0
        self._bridge: Bridge | None = None
        env = self._environment() if fresh is None else dict(fresh)
        command = [str(parts.node), str(parts.code_server)]
        if fresh is None:
            command += ["--user-data-dir", str(self._user_data), "--extensions-dir", str(self._extensions)]
            self._write_settings({**SETTINGS, **(settings or {})}, plum_settings, is_misplaced=is_misplaced)
        extensions = [*([_packaged()] if is_plugged and fresh is None else []), *more_extensions]
        if extensions:
            flags = [flag for extension in extensions for flag in ("--install-extension", str(extension))]
            subprocess.run([*command, *flags], env=env, check=True, capture_output=True, timeout=120)
        self._log = (folder / "code-server.log").open("wb")
        self._server = self._start(command, env)
        try:
            self._port = self._wait_for_server()
            self._bridge = Bridge(parts, folder / "profile", env)
        except BaseException:
            self.close()
            raise

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
        assert self._bridge
        return self._bridge.ask(action, **arguments)

    def break_off(self) -> None:
        """End the browser, as a fault of its own would."""
        assert self._bridge
        self._bridge.break_off()

    def close(self) -> None:
        """End the browser and the server, and what the server started."""
        if self._bridge:
            self._bridge.close()
        self._server.terminate()
        try:
            self._server.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(END_SECONDS_MAX)
        self._log.close()

    def _start(self, command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        flags = ["--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry"]
        flags += ["--disable-update-check", "--disable-getting-started-override", "--reconnection-grace-time", "1"]
        return subprocess.Popen(
            [*command, *flags],
            env=dict(env),
            stdout=self._log,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _write_settings(self, editor: Mapping[str, object], plum: Mapping[str, object], *, is_misplaced: bool) -> None:
        files = {"User": {**editor, **plum}} if is_misplaced else {"User": editor, "Machine": plum}
        for name, values in files.items():
            path = self._user_data / name / "settings.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def _environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        keep = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return {**keep, "HOME": str(home), "LANG": "C.UTF-8", "PLUM_CONFIG_FILE": str(self.config)}

    def _wait_for_server(self) -> int:
        """The port that it listens on. It takes a free one itself: one that we found free may be another's by then."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            told = (self.folder / "code-server.log").read_text()
            if found := LISTENING.search(told):
                return int(found[1])
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise AssertionError(told[-3000:])
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

    def break_off(self) -> None:
        """End the driver; the browser ends with it."""
        self._process.kill()

    def close(self) -> None:
        """Close the browser."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_SECONDS_MAX)
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS_MAX)[0]:
            raise AssertionError("the browser's driver does not answer")
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the browser's driver ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _packaged() -> Path:
    """The packaged extension, which must not be older than what it is made of."""
    sources = [*(CLIENT / "src").glob("*.ts"), CLIENT / "package.json"]
    if not VSIX.exists() or VSIX.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        raise AssertionError("the packaged extension is missing or older than its sources: run `make vscode`")
    return VSIX
