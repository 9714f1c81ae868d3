"""Installs the extension through VS Code's own command line, and leaves it the server's command.

The user's settings are never written. `plum.server.command` there comes before what is left here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from plum_lsp.cli.editor.clients import NoClient, Plan, command_file, remember, vscode_extension
from plum_lsp.domain.children import FOLDER, environment
from plum_lsp.report.installation import argv_here

NAMES = ("code", "codium", "code-insiders", "code-server")
EXTENSION = "plum-lsp.plum-lsp"
_SECONDS_MAX = 120.0


def programs() -> tuple[str, ...]:
    """The editors of this family on the PATH."""
    return tuple(found for name in NAMES if (found := shutil.which(name)) and Path(found).is_absolute())


def is_installed(program: str) -> bool:
    """Whether an editor has the extension."""
    return EXTENSION in _run(program, "--list-extensions").lower().split()


def plan() -> Plan:
    """The steps for this user.

    Raises:
        NoClient: there is no extension in this installation, or no editor on the PATH.
    """
    extension, found = vscode_extension(), programs()
    if not found:
        remedy = (
            f"In the editor, run *Extensions: Install from VSIX…* with {extension}, or *Shell Command: Install 'code' "
            "command in PATH* and then this again."
        )
        raise NoClient(f"there is no VS Code on the PATH (looked for {', '.join(NAMES)})", remedy=remedy)
    command = argv_here()
    return Plan(
        told=(
            *(f"Runs: {program} --install-extension {extension}" for program in found),
            f"Writes how the server is started to {command_file()}",
        ),
        overwrites="",
        act=lambda: _install(found, extension, command),
        next="Open a Python file in VS Code. If its window is on another machine (SSH, a container), install plum-lsp "
        f"there, or put this into that window's settings:\n\n  {json.dumps({'plum.server.command': command})[1:-1]}",
    )


def _install(found: tuple[str, ...], extension: Path, command: tuple[str, ...]) -> None:
    remember(command)
    for program in found:
        _run(program, "--install-extension", str(extension), "--force")


def _run(program: str, *arguments: str) -> str:
    """The output of an editor's command.

    Raises:
        NoClient: it failed, with its own words.
    """
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoClient(f"{program} cannot be run: {error}", remedy="Start the editor once by hand.") from error
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip()[-500:]
        remedy = "In the editor, run *Extensions: Install from VSIX…*."
        raise NoClient(f"{program} {arguments[0]} failed: {last}", remedy=remedy)
    return done.stdout
