"""What the stories in real editors share: what a user does and sees, and what the store says afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from plum_lsp.config.folder import store_file
from support.processes import parent
from support.scripted_policy import ScriptedPolicy

PLUM_LSP = str(Path(sys.executable).with_name("plum-lsp"))
ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "editors"
PATIENCE_SECONDS = 60.0
DEADLINE_MS = int(2 * PATIENCE_SECONDS * 1000)
READ_SECONDS = 1.5
"""Twice as long as an offer must be visible for its end to be a judgement: two processes report start and end."""


class RealEditor(Protocol):
    """A real editor with the plug-in as its users install it, at the cursor of one file."""

    name: str

    def open(self, path: Path) -> None:
        """Open a file, go to its end and start to write."""

    def type(self, text: str) -> None:
        """Press these keys, one after the other, as fast as they go."""

    def press(self, action: str) -> None:
        """accept, accept_word, next, previous, escape, trigger, explain, newline or backspace."""

    def command(self, name: str, argument: str = "") -> None:
        """Run one of the plug-in's commands by its name in the protocol's words."""

    def ghost(self) -> str:
        """The ghost text on the screen; empty if there is none."""

    def status(self) -> str:
        """The plug-in's part of the status line."""

    def evidence(self) -> str:
        """The evidence on the screen; empty if it is not open."""

    def wait_for_label(self) -> None:
        """Wait until the label stands behind the ghost text, in an editor that draws one."""

    def content(self) -> str:
        """What stands in the buffer, with `\\n` line ends."""

    def save(self) -> None:
        """Write the file."""

    def screenshot(self, name: str) -> Path:
        """Keep a picture of what is on the screen."""

    def drawn(self, pattern: str) -> list[tuple[str, ...]]:
        """The groups of `pattern` in each frame that was drawn with ghost text in it, spaces made one."""

    def reload(self) -> None:
        """Read again what another program wrote."""

    def seen_ghosts(self) -> set[str]:
        """Every ghost text that was on the screen since the start."""

    def close(self) -> None:
        """Leave, and make sure that nothing is left running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What the store says of one offer: its text, and the kind, source and length of its last outcome."""

    text: str
    kind: str
    source: str
    accepted_length: int | None


@dataclass(slots=True, kw_only=True)
class Desk:
    """An editor, the policy it is served by, and the folder everything lies in."""

    editor: RealEditor
    policy: ScriptedPolicy
    folder: Path
    number: int = 0
    """Which test this is, for file names of its own."""
    written: set[str] = field(default_factory=set)
    """The names of the files of this story."""
    earlier: set[str] = field(default_factory=set)
    """The names of the files of earlier stories, whose offers do not count. The store may take them up later."""

    def begin(self) -> None:
        """Go on with the next story."""
        self.number += 1
        self.earlier |= self.written
        self.written = set()

    def write(self, text: str, name: str = "") -> Path:
        """A file of the user's, with the line ends as given."""
        name = name or f"module{self.number}.py"
        path = self.folder / "work" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(text.encode())
        self.written.add(path.name)
        return path

    def fates(self) -> list[Fate]:
        """What became of each offer so far, oldest first; offers without an outcome have an empty kind."""
        with sqlite3.connect(store_file(self.folder / "data")) as db:
            rows = db.execute(
                """
                SELECT candidates.text, coalesce(o.kind, ''), coalesce(o.source, ''), o.accepted_length,
                  requests.document_uri
                FROM offers JOIN candidates ON candidates.request_id = offers.request_id
                  AND candidates.id = offers.candidate_id
                JOIN requests ON requests.id = offers.request_id
                LEFT JOIN outcomes o ON o.id = (SELECT max(id) FROM outcomes WHERE offer_id = offers.id)
                ORDER BY offers.rowid
                """
            ).fetchall()
        return [
            Fate(text=text.strip("\n"), kind=kind, source=source, accepted_length=length)
            for text, kind, source, length, uri in rows
            if Path(urlsplit(uri).path).name not in self.earlier
        ]

    def wait_for_ghost(self, text: str) -> None:
        """Wait until this ghost text is on the screen."""
        until(lambda: self.editor.ghost() == text, lambda: f"ghost {text!r}, there is {self.editor.ghost()!r}")

    def read(self) -> None:
        """Look at the offer for so long that its end is a judgement.

        The server counts from when it is told that the offer is drawn. Neovim draws the label after that.
        """
        self.editor.wait_for_label()
        time.sleep(READ_SECONDS)

    def wait_for_fates(self, *kinds: str) -> list[Fate]:
        """Wait until the offers, in order, have ended like this."""
        until(lambda: [fate.kind for fate in self.fates()] == list(kinds), lambda: f"{kinds}, there is {self.fates()}")
        return self.fates()

    def wait_for_status(self, words: str) -> None:
        """Wait until the status line holds these words."""
        until(lambda: words in self.editor.status(), lambda: f"status {words!r}, there is {self.editor.status()!r}")


def until(is_so: Callable[[], object], what: Callable[[], str], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what()}")
        time.sleep(0.05)


class Serving(Protocol):
    """A policy server that answers."""

    @property
    def url(self) -> str:
        """Where."""

    @property
    def api_key(self) -> str:
        """Its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A policy server in another process."""

    url: str
    api_key: str


def server_environment(folder: Path, policy: Serving, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A fresh home for an editor and the server it starts; nothing of the user who runs the tests shines through.

    Offers are shown however many others were dismissed in the last minute, in this story or in an earlier one. A busy
    machine does not make a request miss its deadline.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    keep = ("PATH", "LANG", "LC_ALL", "TMPDIR")
    config = folder / "config.toml"
    key = json.dumps(policy.api_key)
    config.write_text(
        f'data_dir = {json.dumps(str(folder / "data"))}\n[policy]\nurl = "{policy.url}"\napi_key = {key}\n'
        f"[offers]\nprobability_min = 0.0\ndeadline_ms = {DEADLINE_MS}\n"
    )
    return {
        **{name: os.environ[name] for name in keep if name in os.environ},
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PLUM_CONFIG_FILE": str(config),
        **(more or {}),
    }


def servers(folder: Path) -> list[int]:
    """The process ids of the servers that serve a desk: not of what they start, which looks like them for a moment."""
    environment = f"PLUM_CONFIG_FILE={folder}/config.toml".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"serve" in arguments and environment in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = parent(int(process.name))
    return [one for one, above in found.items() if above not in found]
