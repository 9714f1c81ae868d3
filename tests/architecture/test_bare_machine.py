"""The bare machine on which `make test` runs `make check`: no network, an empty home, and the locked packages only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import bare_machine, without_network
from support.another_user import readable_copy, run_as_nobody

ALONE = (sys.executable, without_network.__file__)

LOOKING = """
import errno, socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
with socket.socket() as outside:
    assert outside.connect_ex(("192.0.2.1", 80)) == errno.ENETUNREACH
"""
"""192.0.2.1 belongs to no machine (RFC 5737)."""

LISTING = """
import importlib.util, os, pathlib, sys
assert list(pathlib.Path.home().iterdir()) == []
assert os.environ["XDG_CACHE_HOME"].startswith(str(pathlib.Path.home()))
assert importlib.util.find_spec("pytest") is not None
started_with = set(sys.modules)
print([name for name in {unlocked!r} if name not in started_with and importlib.util.find_spec(name) is not None])
"""


def skip_without_namespace(done: subprocess.CompletedProcess[str]) -> None:
    """Skip a test on a machine where this user gets no network namespace, and say what the kernel answered."""
    if done.returncode == without_network.REFUSED:
        pytest.skip(done.stderr.strip())


def run_bare(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program as `make test` runs `make check`."""
    command = [sys.executable, "-m", "support.bare_machine", sys.executable, "-c", program]
    return subprocess.run(command, cwd=bare_machine.ROOT / "tests", capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_bare_machine_has_an_empty_home_and_the_locked_packages() -> None:
    """A package that only `make setup-model` installs is not found there, and no cache is."""
    done = run_bare(LISTING.format(unlocked=sorted(bare_machine.unlocked_packages())))
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.slow
def test_a_bare_machine_has_the_loopback_only() -> None:
    """In the namespace a program reaches its own machine and no other."""
    skip_without_namespace(subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False))
    done = run_bare(LOOKING)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_bare_machine_passes_on_what_a_command_returns() -> None:
    """A check that fails there fails `make test`."""
    assert run_bare("raise SystemExit(3)").returncode == 3


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
