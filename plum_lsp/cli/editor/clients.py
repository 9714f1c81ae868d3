"""Where the editor clients are: in the wheel, or in the checkout that an editable install leads to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import plum_lsp
from plum_lsp.domain.errors import PlumError
from plum_lsp.files.whole import write_json

_PACKAGE = Path(plum_lsp.__file__).parent


class NoClient(PlumError):
    """The client, or the editor that it is for, is not there or cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An installation: its steps in words, what it replaces of the user's own, the act, and what the user does next."""

    told: tuple[str, ...]
    overwrites: str
    act: Callable[[], None]
    next: str


def command_file() -> Path:
    """Where the extension for VS Code finds the server. It knows no setting of ours, so this place is fixed."""
    return user_data() / "plum-lsp" / "editor-command.json"


def user_data() -> Path:
    """The folder of the user's data, by the rule of the XDG base directory specification on every system."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def remember(command: tuple[str, ...]) -> None:
    """Write the server's command for the extension.

    Raises:
        NoClient: the file cannot be written.
    """
    file = command_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, command)
    except OSError as error:
        remedy = "Make the folder writable, or set XDG_DATA_HOME."
        raise NoClient(f"{file} cannot be written: {error.strerror}", remedy=remedy) from error


def neovim_plugin() -> Path:
    """The folder of the plug-in.

    Raises:
        NoClient: this installation has none.
    """
    return _one_of(
        "the plug-in for Neovim", _PACKAGE / "editor_clients" / "neovim", _PACKAGE.parent / "editor-clients" / "neovim"
    )


def vscode_extension() -> Path:
    """The packaged extension.

    Raises:
        NoClient: this installation has none.
    """
    file = "plum-lsp.vsix"
    return _one_of(
        "the extension for VS Code",
        _PACKAGE / "editor_clients" / file,
        _PACKAGE.parent / "editor-clients" / "vscode" / file,
    )


def _one_of(name: str, *places: Path) -> Path:
    found = next((place for place in places if place.exists()), None)
    if found is None:
        remedy = "In a checkout, `make wheel` builds a package with both clients (it needs Node.js 20 or newer)."
        raise NoClient(f"this plum-lsp was built without {name}", remedy=remedy)
    return found
