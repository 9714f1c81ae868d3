"""Runs a command in control groups of its own and removes them when it ended, however our server ended.

    python keeper.py FOLDER NAME=CONTENT … [FOLDER …] -- COMMAND …

Started by path with nothing on `sys.path`, so it imports nothing of ours. It stays outside the jail and outside the
groups, reads nothing of a candidate's, and waits: the zygote ends when its control socket closes, and we with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

_PREFIX = "plum-zygote-"


def main(words: list[str]) -> int:
    """Make the groups, run the command in them, wait, remove them; the command's exit status."""
    end = words.index("--")
    try:
        groups = _make(words[:end])
    except OSError as error:
        sys.stderr.write(f"cannot make a control group: {error}\n")
        return 125
    child = os.fork()
    if not child:
        try:
            for group in groups:
                (group / "cgroup.procs").write_text("0")
            os.execv(words[end + 1], words[end + 1 :])  # noqa: S606 (no shell is meant)
        except OSError as error:
            os.write(2, f"cannot start in a control group: {error}\n".encode())
        os._exit(126)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, 65536)  # among them the control socket, which nobody else may keep open
    _, status = os.waitpid(child, 0)
    for group in groups:
        _remove(group)
    return 1 if status else 0


def _make(words: list[str]) -> list[Path]:
    """Groups with their limits; a limit that this kernel does not have is left out."""
    groups: list[Path] = []
    for word in words:
        if word.startswith("/"):
            _sweep(Path(word))
            groups.append(Path(word) / f"{_PREFIX}{os.getpid()}")
            groups[-1].mkdir()
            continue
        name, _, content = word.partition("=")
        if (groups[-1] / name).exists():
            (groups[-1] / name).write_text(content)
    return groups


def _sweep(folder: Path) -> None:
    """Remove empty groups of keepers that were killed."""
    for group in folder.glob(_PREFIX + "*"):
        if not Path("/proc", group.name.removeprefix(_PREFIX)).exists():
            with contextlib.suppress(OSError):
                group.rmdir()


def _remove(group: Path) -> None:
    """Kill what is left in a group and remove it; what the kernel is still burying holds it for a moment."""
    for _ in range(200):
        try:
            for pid in (group / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
