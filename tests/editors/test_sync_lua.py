"""What the Neovim client tells of edits is what the buffer holds, whatever is done to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.neovim import PLUGIN, run_lua

pytestmark = [pytest.mark.slow, pytest.mark.editors]

PROGRAM = PLUGIN / "tests" / "sync.lua"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_the_server_knows_the_buffer(name: str, seed: int, tmp_path: Path) -> None:
    """Random commands, undo, writing, reading anew, other line ends; a real buffer, a server that keeps texts."""
    assert run_lua(name, PROGRAM, str(seed), home=tmp_path)["checked"] > 400
