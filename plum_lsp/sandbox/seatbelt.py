"""Children on macOS: one process each under Seatbelt (`sandbox-exec`), with the same harness, codec and outside judge.

The authors have never run this module on macOS. The tests check the profile's text, and on Linux without `sandbox-exec`
how the processes are started, asked and ended. The self-test decides on each machine whether the tier may be used.
There are no zygotes: macOS has neither pidfds nor a seccomp filter for a forked child. So each child is an interpreter
that is started ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plum_lsp.domain import children
from plum_lsp.domain.errors import SandboxError
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.zygote_process import CHILDREN_MAX

SANDBOX_EXEC = "/usr/bin/sandbox-exec"
TIER = isolation.Tier(name="seatbelt", has_bubblewrap=False, has_pid_namespaces=False)
LAYERS = ("seatbelt (never run by its authors)", "rlimits", "outside judge")
_SYSTEM = (
    "/usr/lib",
    "/System/Library",
    "/System/Cryptexes",
    "/System/Volumes/Preboot/Cryptexes",
    "/private/var/db/dyld",
)
"""The paths that the dynamic linker reads before Python starts."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def profile(interpreter: isolation.Interpreter, readable: Sequence[str], listed: Sequence[str]) -> str:
    """The Seatbelt profile.

    It allows only reading the interpreter and the readable places, and starting that interpreter.
    """
    places = dict.fromkeys((str(isolation.JAIL), *interpreter.roots, *readable))
    files = [path for path in places if not Path(path).is_dir()]
    folders = [path for path in places if Path(path).is_dir()]
    ways = sorted({str(above) for path in (*places, interpreter.executable) for above in Path(path).parents})
    lines = [
        "(version 1)",
        "(deny default)",
        f"(allow process-exec (literal {_quoted(interpreter.executable)}))",
        "(allow sysctl-read)",
        "(allow signal (target self))",
        f"(allow file-read* {_filters('subpath', [*_SYSTEM, *folders])})",
        f"(allow file-read* {_filters('literal', [*_DEVICES, interpreter.executable, *files])})",
        f"(allow file-read-metadata {_filters('literal', ways)})",
        '(allow file-write-data (literal "/dev/null"))',
    ]
    if listed:
        lines.append(f"(allow file-read-data {_filters('literal', listed)})")
    return "\n".join(lines) + "\n"


def _filters(kind: str, paths: Sequence[str]) -> str:
    return " ".join(f"({kind} {_quoted(path)})" for path in paths)


def _quoted(path: str) -> str:
    """A string of the profile language.

    Raises:
        SandboxError: it holds a control character, which the language cannot write.
    """
    if not path.isprintable():
        raise SandboxError("a path that candidates shall read cannot be written into a Seatbelt profile")
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command(interpreter: isolation.Interpreter, rules: str, channel: int) -> list[str]:
    """The command line that starts one child on its private socket."""
    start = (
        f"import sys; sys.path.insert(0, {str(isolation.JAIL.parent)!r}); from jail.alone import main; main({channel})"
    )
    return [SANDBOX_EXEC, "-p", rules, interpreter.executable, "-I", "-S", "-B", "-X", "utf8", "-c", start]


class Processes:
    """Starts one process for each child. It takes the place of a zygote on Linux (`pool.Source`)."""

    def __init__(self, interpreter: isolation.Interpreter, rules: str, settings: dict[str, Any]) -> None:
        self._interpreter = interpreter
        self._rules = rules
        self._settings = json.dumps(settings).encode()
        self._alive: dict[int, _Alone] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self.forked = 0
        self.is_broken = False

    @property
    def is_worn(self) -> bool:
        """Whether it has started as many children as one zygote may fork."""
        return self.forked >= CHILDREN_MAX

    @property
    def is_busy(self) -> bool:
        """Whether a child is alive."""
        return bool(self._alive)

    def order_child(self) -> Child:
        """A child that is starting.

        Raises:
            SandboxError: it cannot be started.
        """
        if self.is_broken:
            raise SandboxError("the sandbox is closed")
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.forked += 1
        try:
            near.sendall(len(self._settings).to_bytes(4, "big") + self._settings)
            process = subprocess.Popen(
                command(self._interpreter, self._rules, far.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(far.fileno(),),
                env=isolation.ENVIRONMENT,
                cwd=children.FOLDER,
                start_new_session=True,
            )
        except OSError as error:
            near.close()
            raise SandboxError(f"{SANDBOX_EXEC} does not start: {error}") from None
        finally:
            far.close()
        near.setblocking(False)
        child = self._alive[self.forked] = _Alone(self.forked, near, process)
        watch = asyncio.create_task(self._bury(child))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return child

    async def _bury(self, child: _Alone) -> None:
        """Reap a child when it has ended."""
        status = await asyncio.to_thread(child.process.wait)
        self._alive.pop(child.number, None)
        if not child.ended.done():
            child.ended.set_result(status)

    async def fork(self) -> Child:
        """A child that is starting. The call does not wait."""
        return self.order_child()

    async def arrival(self, child: Child) -> Child:
        """The same child. It exists since it was ordered."""
        return child

    async def close(self) -> None:
        """Kill every child. Idempotent."""
        self.is_broken = True
        for child in list(self._alive.values()):
            child.kill()
        await asyncio.gather(*self._watches, return_exceptions=True)


class _Alone(Child):
    """A child that is our own process. Until we reap it, its process id is not used again."""

    def __init__(self, number: int, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        super().__init__(number, channel)
        self.process = process

    def kill(self) -> None:
        """Send SIGKILL to it and to the processes that it may have started. Close its socket. Idempotent."""
        self.shut()
        if not self.ended.done():
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, 9)


def start(
    interpreter: isolation.Interpreter, readable: Sequence[str], import_paths: Sequence[str], settings: dict[str, Any]
) -> Processes:
    """The object that hands out children on macOS.

    Raises:
        SandboxError: there is no Seatbelt.
    """
    if not os.access(SANDBOX_EXEC, os.X_OK):
        raise SandboxError(f"there is no {SANDBOX_EXEC}")
    return Processes(interpreter, profile(interpreter, readable, import_paths), settings)
