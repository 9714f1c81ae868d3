"""What a fresh machine needs for `make check`: the packages of requirements.lock, and no network, model or cache."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import without_network
from support.another_user import readable_copy, run_as_nobody

ROOT = Path(__file__).parents[2]
ALONE = (sys.executable, without_network.__file__)
BARE = "PLUM_TEST_BARE_MACHINE"
"""Set inside the run on a bare machine, so that it cannot start another one."""

HIDING = """
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
    """An empty home and cache, and a Python that does not find the packages that are not locked."""
    home, startup = folder / "home", folder / "startup"
    home.mkdir()
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(HIDING.format(hidden=unlocked_packages()), encoding="utf-8")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PLUM_", "XDG_", "HF_", "PYTEST_"))
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(startup),
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
        BARE: "1",
    }


def set_up_after() -> list[str]:
    """The files that changed since `make setup` ran."""
    installed = (ROOT / ".venv" / ".installed").stat().st_mtime
    return [name for name in ("requirements.lock", "pyproject.toml") if (ROOT / name).stat().st_mtime > installed]


def skip_without_namespace(done: subprocess.CompletedProcess[str]) -> None:
    """Skip a test on a machine where this user gets no network namespace, and say what the kernel answered."""
    if done.returncode == without_network.REFUSED:
        pytest.skip(done.stderr.strip())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_check_passes_on_a_bare_machine(tmp_path: Path) -> None:
    """`make check` passes with an empty cache, without a network, and without a package that is not locked."""
    assert BARE not in os.environ, "make check leaves the slow tests out, this one above all"
    skip_without_namespace(subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False))
    assert set_up_after() == [], "run `make setup` first: without a network, `make check` cannot install what changed"
    done = subprocess.run(
        [*ALONE, "make", "check"],
        cwd=ROOT,
        env=bare_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]


LOOKING = """
import errno, socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
with socket.socket() as outside:
    assert outside.connect_ex(("192.0.2.1", 80)) == errno.ENETUNREACH
"""
"""192.0.2.1 belongs to nobody (RFC 5737)."""


@pytest.mark.slow
def test_only_the_loopback_is_left() -> None:
    """In the namespace a program reaches its own machine and no other."""
    done = subprocess.run([*ALONE, sys.executable, "-c", LOOKING], capture_output=True, text=True, check=False)
    skip_without_namespace(done)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
def test_an_ordinary_user_leaves_the_network_too() -> None:
    """It needs no rights where the kernel gives users namespaces of their own."""
    with TemporaryDirectory() as folder:
        python, packages = readable_copy(Path(folder))
        command = [str(python), "-m", "support.without_network", str(python), "-c", LOOKING]
        done = run_as_nobody(command, Path(folder), packages)
    skip_without_namespace(done)
    assert done.returncode == 0, done.stderr


def _normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
