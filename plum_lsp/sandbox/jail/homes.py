"""Makes and removes a folder for each child: home, temporary files, caches. It exists while the child runs.

The module sets no limits itself. The child's limits bound each file, and a zygote ends a child with too large a folder
(`is_too_large`). Landlock decides which other processes may read the folder.
"""

from __future__ import annotations

import contextlib
import os
import stat

BYTES_MAX = 64 * 1024 * 1024
"""Bytes that one child may keep in its folder."""
ENTRIES_MAX = 4096
"""Files and folders that one child may have. No more are looked at or removed at a time."""


def make(homes: str, name: str) -> str:
    """Make a folder with a place for temporary files in it."""
    home = os.path.join(homes, name)
    os.mkdir(home, 0o700)
    os.mkdir(os.path.join(home, "tmp"), 0o700)
    return home


def environment(home: str) -> dict[str, str]:
    """The variables that point programs to a folder."""
    return {
        "HOME": home,
        "TMPDIR": os.path.join(home, "tmp"),
        "XDG_CACHE_HOME": os.path.join(home, ".cache"),
        "XDG_CONFIG_HOME": os.path.join(home, ".config"),
        "XDG_DATA_HOME": os.path.join(home, ".local", "share"),
        "XDG_STATE_HOME": os.path.join(home, ".local", "state"),
        "XDG_RUNTIME_DIR": os.path.join(home, "tmp"),
        "MPLCONFIGDIR": os.path.join(home, ".config", "matplotlib"),
        "USER": "plum",
        "LOGNAME": "plum",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }


def live_in(home: str) -> None:
    """Make a folder this process's own, also for modules that have read the variables before."""
    os.environ.clear()
    os.environ.update(environment(home))
    import tempfile

    tempfile.tempdir = None


def is_too_large(home: str) -> bool:
    """Whether a folder holds more than a child may keep, or more than can be looked at."""
    left, room, pending = ENTRIES_MAX, BYTES_MAX, [home]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                left -= 1
                found = entry.stat(follow_symlinks=False)
                room -= found.st_blocks * 512
                if left < 0 or room < 0:
                    return True
                if stat.S_ISDIR(found.st_mode):
                    pending.append(entry.path)
    return False


def remove(home: str) -> None:
    """Remove a folder, or as much of it as a bounded search finds. The rest is removed with the jail."""
    left, folders, pending = 4 * ENTRIES_MAX, [home], [home]
    while pending and left > 0:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                left -= 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    pending.append(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
                if left <= 0:
                    break
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
