"""From a built wheel to a working client, in a home without anything, and without a clone."""

from __future__ import annotations

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
    """After one command and the line that it prints, `:help plum` opens and the server is the wheel's own."""
    nvim, more = neovim_command(name)
    home = {"HOME": str(tmp_path), **more}
    said = ran(plum_lsp, "editor", "install", "neovim", HOME=str(tmp_path))
    (line,) = [line for line in said.splitlines() if line.strip().startswith("require('plum')")]
    (tmp_path / ".config" / "nvim").mkdir(parents=True)
    (tmp_path / ".config" / "nvim" / "init.lua").write_text(line.strip() + "\n")
    show = "lua io.stdout:write(vim.fn.expand('%:p'), ' ', require('plum.config').command()[1], '\\n')"
    seen = ran(*nvim, "--headless", "-i", "NONE", "-c", "help plum", "-c", show, "-c", "qa!", **home)
    page = tmp_path / ".local/share/nvim/site/pack/plum-lsp/start/plum/doc/plum.txt"
    assert seen.split() == [str(page), str(plum_lsp)]


def test_vs_code_has_the_extension(plum_lsp: Path, tmp_path: Path) -> None:
    """The extension in the wheel is one that the editor takes."""
    parts = editor_parts.vscode()
    program = tmp_path / "bin" / "code"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {parts.node} {parts.code_server} "$@"\n')
    program.chmod(0o755)
    home: Mapping[str, str] = {"HOME": str(tmp_path), "PATH": f"{program.parent}:/usr/bin:/bin"}
    said = ran(plum_lsp, "editor", "install", "vscode", **home)
    assert f'"plum.server.command": ["{plum_lsp}"]' in said
    assert "plum-lsp.plum-lsp" in ran(program, "--list-extensions", **home)
    assert "installed" in ran(plum_lsp, "editor", "list", **home)
