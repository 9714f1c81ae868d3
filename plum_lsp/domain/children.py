"""How a program of ours is started: from a folder and with an environment in which a project's files are not imported.

An editor or a shell starts us in a project's folder. Python puts that folder first on the path of a `-m` child, and
reads relative entries of `PYTHONPATH` from it; children of children do the same. Starts nothing itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = "/"
"""Where our children start: no project lies here, and no relative path leads into one."""
_PATHS = ("PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP")
"""Variables that name one place Python reads code from (python(1))."""


def python_module(name: str, *arguments: str) -> list[str]:
    """The command line that runs a module with our own interpreter, without the current folder on its path."""
    return [sys.executable, "-P", "-m", name, *arguments]


def environment(environ: Mapping[str, str] = os.environ, /, **more: str) -> dict[str, str]:
    """`environ` with `more` on top, without what makes Python import from the current folder."""
    cleaned = {name: text for name, text in environ.items() if name not in _PATHS or Path(text).is_absolute()}
    if "PYTHONPATH" in cleaned:
        absolute = [entry for entry in cleaned.pop("PYTHONPATH").split(os.pathsep) if Path(entry).is_absolute()]
        if absolute:
            cleaned["PYTHONPATH"] = os.pathsep.join(absolute)
    return {**cleaned, "PYTHONSAFEPATH": "1", **more}
