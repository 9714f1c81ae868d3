"""Puts the editor clients and the documentation into the wheel, and the README into its metadata as an index shows it.

With the clients in the wheel, `plum-lsp editor install` needs no clone. Node.js builds the extension for VS Code
(`make vscode`). A wheel that is built without it lacks that one file, and `plum-lsp editor install vscode` says so.
`make wheel` builds both. An editable install uses the checkout's clients and pages. The pages are those that messages
name; their pictures are left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

FOLDER = "plum_lsp/editor_clients"
ADDRESS = "REPOSITORY_URL"
"""The environment variable that names the page of the repository, such as https://github.com/OWNER/plum-lsp."""
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")


class MoreFiles(BuildHookInterface[Any]):
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
        for page in (Path(self.root) / "docs").glob("*.md"):
            build_data["force_include"][str(page)] = f"plum_lsp/docs/{page.name}"


class Readme(MetadataHookInterface):
    """Makes the links of the README absolute, and names the project's pages."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the fields. See hatchling."""
        address = os.environ.get(ADDRESS, "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = for_an_index(text, address=address, revision=f"v{metadata['version']}")
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        pages = {"Repository": "", "Documentation": "/tree/HEAD/docs", "Changelog": "/blob/HEAD/CHANGELOG.md"}
        metadata["urls"] = {name: address + path for name, path in pages.items()} if address else {}


def for_an_index(text: str, *, address: str, revision: str) -> str:
    """A Markdown text whose links to files lead to the repository. Without an address, each becomes its own text."""

    def placed(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        if not address:
            return words
        return f"{mark}[{words}]({address}/{'raw' if mark else 'blob'}/{revision}/{target})"

    return _LINK.sub(placed, text)
