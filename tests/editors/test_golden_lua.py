"""The messages that the Neovim client writes and reads are the golden ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.golden import FILE
from support.neovim import PLUGIN, run_lua

pytestmark = [pytest.mark.slow, pytest.mark.editors]

PROGRAM = PLUGIN / "tests" / "golden.lua"


def test_the_lua_client_agrees(tmp_path: Path) -> None:
    """Run inside Neovim, which has no other Lua."""
    assert run_lua("neovim-0.11", PROGRAM, str(FILE), home=tmp_path)["checked"] > 8
