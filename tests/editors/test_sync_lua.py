"""What the Neovim client tells of edits is what the buffer holds, whatever is done to it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support import editor_parts
from support.neovim import PLUGIN

pytestmark = [pytest.mark.slow, pytest.mark.editors]

PROGRAM = PLUGIN / "tests" / "sync.lua"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_the_server_knows_the_buffer(version: str, seed: int, tmp_path: Path) -> None:
    """Random commands, undo, writing, reading anew, other line ends; a real buffer, a server that keeps texts."""
    command, env = (editor_parts.neovim_11(), {}) if version == "0.11" else editor_parts.neovim_12()
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NVIM_LOG_FILE": "/dev/null", **env}
    argv = [*command, "--headless", "-u", "NONE", "-i", "NONE", "-l", str(PROGRAM), str(seed)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.strip().splitlines()[-1])["checked"] > 400
