"""From `git clone` to the first verified offer: the documented steps, word by word, in an empty home folder.

What is installed already: the editors, git, make, Python, Node.js, and the model in the cache folder, where the second
step finds it. That model writes the offer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
import pytest
from support import documented, editor_parts
from support.code_server import Host
from support.documented import ROOT
from support.editing import until
from support.neovim import neovim_command
from support.terminal import PATIENCE_SECONDS, Terminal
from support.vscode import VSCode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.editors,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("first steps"),  # one clone and one set-up for all
]

BODY = "return number"
"""How every right body begins."""
MODEL_SECONDS = 300.0
"""The model is loaded, and writes until a candidate passes: a few seconds, on a busy machine minutes."""
NEOVIM_STEPS = documented.steps(ROOT / "editor-clients" / "neovim" / "README.md")
VSCODE_STEPS = documented.steps(ROOT / "editor-clients" / "vscode" / "README.md")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A fresh home in which the first two steps, those that all editors share, were followed."""
    folder = tmp_path_factory.mktemp("fresh")
    programs, home = folder / "bin", folder / "home"
    programs.mkdir()
    home.mkdir()
    env = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": f"{programs}:{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}",
        "PLUM_CACHE_DIR": os.environ.get("PLUM_CACHE_DIR") or str(platformdirs.user_cache_path("plum-lsp")),
    }
    for step in VSCODE_STEPS[:2]:
        documented.run(step, env)
    return env


def test_there_are_at_most_five_steps() -> None:
    """And both pages begin alike, so that one clone serves both; only VS Code's builds the extension."""
    assert len(NEOVIM_STEPS) <= 5
    assert len(VSCODE_STEPS) <= 5
    assert [command + " vscode" for command in NEOVIM_STEPS[0].commands][1:] == VSCODE_STEPS[0].commands[1:]
    assert NEOVIM_STEPS[1] == VSCODE_STEPS[1]


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_neovim_shows_a_verified_offer(name: str, env: dict[str, str]) -> None:
    """The plug-in installed, one file opened, one key pressed."""
    install, opening = NEOVIM_STEPS[2:]
    home = Path(env["HOME"])
    documented.run(install, env)
    command = named_program(env, "nvim", *neovim_command(name))
    assert "press `o`" in opening.words
    shell = Terminal(["bash", "--norc", "-c", opening.commands[0]], env=env, cwd=home)
    with shell as terminal:
        terminal.wait(lambda: "first.py" in terminal.text and "is_even(7)" in terminal.text, command)
        terminal.send("o")
        offer = (BODY, "✓ verified 2/2")
        terminal.wait(lambda: all(words in terminal.text for words in offer), "a verified offer", seconds=MODEL_SECONDS)
        terminal.send("\t")
        terminal.wait(lambda: BODY in terminal.text and "verified 2/2" not in terminal.text, "the offer to be text")
        terminal.send("\x1b:q!\r")
        terminal.process.wait(PATIENCE_SECONDS)  # A killed Neovim leaves a swap file, about which the next one asks.


def test_vscode_shows_a_verified_offer(env: dict[str, str]) -> None:
    """The extension installed, the folder trusted, one file opened, one key pressed."""
    install, opening = VSCODE_STEPS[2:]
    parts, home = editor_parts.vscode(), Path(env["HOME"])
    named_program(env, "code", [str(parts.node), str(parts.code_server)], {})
    documented.run(install, env)
    assert "trust" in opening.words
    host = Host(parts, home.parent, fresh=env)
    editor = VSCode(host)
    try:
        path = home / "plum-lsp" / "examples" / "first.py"
        editor.open(path, is_to_be_trusted=True, is_to_be_written=False)
        editor.end_of_text()
        editor.press("newline")
        until(
            lambda: editor.ghost().startswith(BODY),
            lambda: f"a verified offer, there is {editor.ghost()!r} and {editor.status()!r}",
            seconds=MODEL_SECONDS,
        )
        until(lambda: "verified: passes 2 of 2 tests" in editor.status(), editor.status)
        editor.screenshot("first-offer")
    finally:
        editor.close()
        host.close()


def named_program(env: dict[str, str], name: str, command: list[str], more: dict[str, str]) -> str:
    """Have a program of the cache answer to the name that the steps call it by."""
    file = Path(env["PATH"].partition(":")[0]) / name
    exports = "".join(f"export {key}='{value}'\n" for key, value in more.items())
    file.write_text(f'#!/bin/sh\n{exports}exec {" ".join(command)} "$@"\n')
    file.chmod(0o755)
    return str(file)
