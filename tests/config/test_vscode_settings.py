"""The settings that the VS Code extension declares are the server's, with the server's defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings, load_settings

MANIFEST = Path(__file__).parents[2] / "editor-clients" / "vscode" / "package.json"


def declared() -> dict[str, Any]:
    """The declared settings of the server with their defaults, nested as the extension sends them."""
    properties = json.loads(MANIFEST.read_text())["contributes"]["configuration"]["properties"]
    result: dict[str, Any] = {}
    for key, setting in properties.items():
        section, *names = key.removeprefix("plum.").split(".")
        if section != "server":
            result.setdefault(section, {})[names[0]] = setting["default"]
    return result


def test_the_server_knows_each_and_has_the_same_default() -> None:
    """Declared values change nothing: neither a key nor a default has drifted."""
    loaded = load_settings(user_file=Path("/dev/null"), environ={}, editor=declared(), strict=False)
    assert loaded.problems == ()
    assert loaded.settings == Settings()
