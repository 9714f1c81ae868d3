"""Starts child processes with a folder and an environment that keep Python from importing a project's files.

An editor or a shell starts plum-lsp in a project's folder. Python puts that folder first on the path of a `-m` child,
and resolves relative entries of `PYTHONPATH` against it. Grandchildren do the same. This module only prepares the
command and the environment. The caller starts the process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = "/"
"""The folder in which child processes start. No project lies here, and no relative path leads into one."""
PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a child gets when the thread that started it ends."""
_PATHS = ("PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP")
"""Environment variables that each name one place from which Python reads code (python(1))."""


def python_module(name: str, *arguments: str) -> list[str]:
    """The command line that runs a module with the current interpreter, without the current folder on its path."""
    return [sys.executable, "-P", "-m", name, *arguments]


def environment(environ: Mapping[str, str] = os.environ, /, **more: str) -> dict[str, str]:
    """`environ` with `more` on top, without the variables that make Python import from the current folder."""
    cleaned = {name: text for name, text in environ.items() if name not in _PATHS or Path(text).is_absolute()}
    if "PYTHONPATH" in cleaned:
        absolute = [entry for entry in cleaned.pop("PYTHONPATH").split(os.pathsep) if Path(entry).is_absolute()]
        if absolute:
            cleaned["PYTHONPATH"] = os.pathsep.join(absolute)
    return {**cleaned, "PYTHONSAFEPATH": "1", **more}


def die_with_parent() -> None:
    """To be called in the child before it runs the command: it gets SIGTERM if its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
