"""A folder for temporary files goes with its owner, or with the next owner of its kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plum_lsp.files import scratch
from plum_lsp.files.scratch import ScratchFolder

KIND = "plum-kind-"
KILLED = f"""
import os, signal
from plum_lsp.files.scratch import ScratchFolder

made = ScratchFolder({KIND!r})
(made.path / "rest").write_text("of a run")
print(made.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders lie."""
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(temporary: Path) -> Path:
    """The folder of a process that was killed."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={"TMPDIR": str(temporary)}, capture_output=True, text=True, check=False
    )
    return Path(done.stdout.strip())


def test_it_is_its_users_and_goes_with_its_owner() -> None:
    """Others cannot open it."""
    with ScratchFolder(KIND) as made:
        assert made.path.stat().st_mode & 0o077 == 0
    assert not made.path.exists()
    made.close()


def test_the_folder_of_a_killed_owner_is_removed(temporary: Path) -> None:
    """Those of living owners and of other kinds stay, and so does one that is not yet held."""
    left = left_behind(temporary)
    assert (left / "rest").exists()
    for name in ("plum-other-x", f"{KIND}unheld"):
        (temporary / name).mkdir()
    with ScratchFolder(KIND) as first, ScratchFolder(KIND) as second:
        kept = {first.path.name, second.path.name, "plum-other-x", f"{KIND}unheld"}
        assert {path.name for path in temporary.iterdir()} == kept


def test_what_another_user_left_is_kept(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to a folder of ours is kept, too: another user may have set it."""
    left = left_behind(temporary)
    elsewhere = left.rename(temporary / "elsewhere")
    left.symlink_to(elsewhere)
    with ScratchFolder(KIND):
        assert (left / "rest").exists()
    left.unlink()
    elsewhere.rename(left)
    user = scratch.os.geteuid()
    monkeypatch.setattr(scratch.os, "geteuid", lambda: user + 1)
    with ScratchFolder(KIND):
        assert (left / "rest").exists()
