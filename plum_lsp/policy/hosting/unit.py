"""The systemd user unit that keeps a policy server running. Pure text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

UNIT_NAME = "plum-policy.service"


def unit_path() -> Path:
    """Where systemd looks for a user's units (systemd.unit(5))."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user" / UNIT_NAME


def unit_text(python: str, arguments: Sequence[str]) -> str:
    """A unit that serves with this interpreter. The supervisor restarts vLLM, and systemd restarts the supervisor."""
    command = " ".join(_quoted(word) for word in (python, "-P", "-m", "plum_lsp", "policy", "serve", *arguments))
    return f"""[Unit]
Description=Policy server of plum-lsp
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStartSec=infinity
TimeoutStopSec=60
KillMode=mixed
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    """A word of ExecStart: quoted where needed, with systemd's own characters escaped (systemd.service(5))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in " \t;'\"" for character in word) or not word else escaped
