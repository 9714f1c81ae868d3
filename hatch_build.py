"""Puts the editor clients into the wheel, so that `plum-lsp editor install` needs no clone.

Node.js builds the extension for VS Code (`make vscode`). A wheel that is built without it lacks that one file, and
`plum-lsp editor install vscode` says so. `make wheel` builds both. An editable install uses the checkout's clients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "plum_lsp/editor_clients"


class EditorClients(BuildHookInterface[Any]):
    """Adds the files to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files and their places. See hatchling."""
        if version == "editable":
            return
        clients = Path(self.root) / "editor-clients"
        places = {f"neovim/{name}": f"{FOLDER}/neovim/{name}" for name in ("doc/plum.txt", "lua", "plugin")}
        places["vscode/plum-lsp.vsix"] = f"{FOLDER}/plum-lsp.vsix"
        for name, place in places.items():
            if (clients / name).exists():
                build_data["force_include"][str(clients / name)] = place
