"""Where the editor clients are: in the wheel, or in the checkout that an editable install leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import plum_lsp
from plum_lsp.domain.errors import PlumError

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
