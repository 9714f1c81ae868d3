"""Folders for temporary files. If a process is killed, the next owner of a folder of the same kind removes its folder.

Each folder has a file that its owner holds locked: the kernel ends the lock with the process. What processes still do
in a folder whose owner is gone is not ended here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

_OWNER = "owner"
_COMING = "owner.new"
"""The file gets its name once it is locked. So a folder that is just being made is never taken for one left behind."""


class ScratchFolder:
    """A new folder that only its user may open. `prefix` names its kind."""

    def __init__(self, prefix: str) -> None:
        """Make it, after those of the same kind whose owners are gone are removed."""
        remove_left(prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        self._lock = os.open(self.path / _COMING, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.path / _COMING).rename(self.path / _OWNER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder with all that is in it. Idempotent."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def remove_left(prefix: str) -> None:
    """Remove this user's folders of a kind whose owners are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if not folder.is_symlink() and folder.lstat().st_uid == os.geteuid():
                _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder if no process holds it.

    Raises:
        OSError: it is no such folder, or it has an owner.
    """
    lock = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
