"""Runs a command in its own control groups. Removes them when it has ended, however the server ended.

    python keeper.py FOLDER NAME=CONTENT … [FOLDER …] -- COMMAND …

The script is started by path with an empty `sys.path`, so it imports no module of plum-lsp. It stays outside the jail
and outside the groups. It reads no data of a candidate and only waits. The zygote ends when its control socket closes,
and this process ends with it.
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
    """Make the groups, run the command in them, wait, remove them. Return the exit status of the command."""
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
    os.closerange(3, 65536)  # Among them is the control socket. No other process may keep it open.
    _, status = os.waitpid(child, 0)
    for group in groups:
        _remove(group)
    return 1 if status else 0


def _make(words: list[str]) -> list[Path]:
    """Make the groups with their limits. A limit that this kernel does not have is left out."""
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
    """Remove empty groups that killed keepers left behind."""
    for group in folder.glob(_PREFIX + "*"):
        if not Path("/proc", group.name.removeprefix(_PREFIX)).exists():
            with contextlib.suppress(OSError):
                group.rmdir()


def _remove(group: Path) -> None:
    """Kill the processes left in a group and remove it. Ending processes can block the removal for a moment."""
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
