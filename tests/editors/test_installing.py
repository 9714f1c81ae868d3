"""From a built wheel to a working client, in a home without anything, and without a clone."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import editor_parts
from support.neovim import neovim_command

pytestmark = [pytest.mark.slow, pytest.mark.editors]

ROOT = Path(__file__).parents[2]


def ran(*command: str | Path, **more: str) -> str:
    """The output of a command that must work."""
    env = {"PATH": "/usr/bin:/bin", **more}
    done = subprocess.run(list(map(str, command)), env=env, cwd="/", capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plum_lsp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel that was built now, in an environment that has only its dependencies besides."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    ran(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    ran(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    ran(*pip, "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    site = Path(ran(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))  # path files in there are not read
    return folder / "venv" / "bin" / "plum-lsp"


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_neovim_finds_the_plug_in_and_its_help(plum_lsp: Path, tmp_path: Path, name: str) -> None:
    """After one command and without a configuration, `:help plum` opens and the server is the wheel's own."""
    ran(plum_lsp, "editor", "install", "neovim", HOME=str(tmp_path))
    page = tmp_path / ".local/share/nvim/site/pack/plum-lsp/start/plum/doc/plum.txt"
    assert seen_in(name, tmp_path) == [str(page), str(plum_lsp), "true"]


def test_what_a_user_set_up_stays(plum_lsp: Path, tmp_path: Path) -> None:
    """The options of `init.lua` count. The server is still the one that was installed."""
    ran(plum_lsp, "editor", "install", "neovim", HOME=str(tmp_path))
    (tmp_path / ".config" / "nvim").mkdir(parents=True)
    (tmp_path / ".config" / "nvim" / "init.lua").write_text("require('plum').setup({ tab = false })\n")
    assert seen_in("neovim-0.12", tmp_path)[1:] == [str(plum_lsp), "false"]


def seen_in(name: str, home: Path) -> list[str]:
    """The page that `:help plum` opens, the server's program, and whether Tab is mapped."""
    nvim, more = neovim_command(name)
    parts = "vim.fn.expand('%:p'), config.command()[1], tostring(config.options.tab)"
    show = f"lua local config = require('plum.config'); io.stdout:write(table.concat({{ {parts} }}, ' '), '\\n')"
    seen = ran(*nvim, "--headless", "-i", "NONE", "-c", "help plum", "-c", show, "-c", "qa!", HOME=str(home), **more)
    return seen.split()


def test_vs_code_has_the_extension(plum_lsp: Path, tmp_path: Path) -> None:
    """The extension in the wheel is one that the editor takes."""
    parts = editor_parts.vscode()
    program = tmp_path / "bin" / "code"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {parts.node} {parts.code_server} "$@"\n')
    program.chmod(0o755)
    home: Mapping[str, str] = {"HOME": str(tmp_path), "PATH": f"{program.parent}:/usr/bin:/bin"}
    said = ran(plum_lsp, "editor", "install", "vscode", **home)
    assert "Open a Python file" in said
    assert json.loads((tmp_path / ".local/share/plum-lsp/editor-command.json").read_text()) == [str(plum_lsp)]
    assert "plum-lsp.plum-lsp" in ran(program, "--list-extensions", **home)
    assert "installed" in ran(plum_lsp, "editor", "list", **home)
