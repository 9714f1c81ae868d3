"""Runs a command as on a fresh machine: `python -m support.bare_machine COMMAND...`.

An empty home and cache, no network but the loopback, and a Python that finds no package beyond requirements.lock. Where
the kernel gives this user no network namespace, the network stays, and standard error says so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory

from support.without_network import leave_network

ROOT = Path(__file__).parents[2]

_HIDING = """
import sys
from importlib.machinery import PathFinder

HIDDEN = {hidden!r}


class Finder(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return None if fullname.partition(".")[0] in HIDDEN else super().find_spec(fullname, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""


def unlocked_packages() -> frozenset[str]:
    """The import names of installed packages that requirements.lock does not pin."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {_normalised(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)} | {"plum-lsp"}
    found = packages_distributions()
    return frozenset(name for name, owners in found.items() if locked.isdisjoint(map(_normalised, owners)))


def bare_environment(folder: Path) -> dict[str, str]:
    """The environment of a command whose home, cache and settings are new in `folder`."""
    home, startup = folder / "home", folder / "startup"
    home.mkdir()
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(_HIDING.format(hidden=unlocked_packages()), encoding="utf-8")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PLUM_", "XDG_", "HF_", "PYTEST_"))
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(startup),
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }


def run_bare(command: list[str]) -> int:
    """Run `command` on a bare machine, and return its exit status."""
    with TemporaryDirectory() as folder:
        return subprocess.run(command, env=bare_environment(Path(folder)), check=False).returncode


def _normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    try:
        leave_network()
    except OSError as error:
        print(f"no network namespace on this machine, so the network stays: {error}", file=sys.stderr)
    sys.exit(run_bare(sys.argv[1:]))
