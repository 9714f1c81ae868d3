"""The messages that the Neovim client writes and reads are the golden ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support import editor_parts
from support.golden import FILE
from support.neovim import PLUGIN

pytestmark = [pytest.mark.slow, pytest.mark.editors]

PROGRAM = PLUGIN / "tests" / "golden.lua"


def test_the_lua_client_agrees(tmp_path: Path) -> None:
    """Run inside Neovim, which has no other Lua."""
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NVIM_LOG_FILE": "/dev/null"}
    command = [*editor_parts.neovim_11(), "--headless", "-u", "NONE", "-i", "NONE", "-l", str(PROGRAM), str(FILE)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.strip().splitlines()[-1])["checked"] > 8
