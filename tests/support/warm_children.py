"""Starts the trainer's children from a warm process, which has the packages loaded. Loading them takes seconds.

The trainer starts a child as it always does, but the child's command is this module. It hands its files, its
environment and its arguments to the warm process, which forks. It ends as the fork ends. If it is killed, the fork is
killed. The tests in `trainer/loop/test_faults.py` start the real commands.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

LOADED = ("torch", "transformers.models.llama.modeling_llama", "peft", "datasets", "trl")
HEADER_BYTES = 4


@contextlib.contextmanager
def warm_process(folder: Path) -> Iterator[Path]:
    """A warm process. Gives the socket at which it takes orders."""
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        command = [sys.executable, "-m", "support.warm_children", "serve", str(door.fileno())]
        warm = subprocess.Popen(command, cwd=Path(__file__).parents[1], pass_fds=[door.fileno()])
    try:
        yield path
    finally:
        warm.kill()
        warm.wait()


def command_of(path: Path, module: str, *arguments: str) -> list[str]:
    """The command that runs a module in a fork of the warm process."""
    return [sys.executable, "-I", "-S", __file__, "ask", str(path), module, *arguments]


def ask(path: str, module: str, *arguments: str) -> None:
    """Run a module in a fork, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(path)
        order = json.dumps([module, arguments, dict(os.environ), str(Path.cwd())]).encode()
        socket.send_fds(asked, [len(order).to_bytes(HEADER_BYTES)], [0, 1, 2])
        asked.sendall(order)
        status = int(asked.recv(16) or -signal.SIGKILL)
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


def serve(descriptor: str) -> None:
    """Load the packages as a child does, then fork for every order. Ends with its parent."""
    import importlib

    from plum_trainer.fit.train import quiet

    quiet(1)
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as door:
        while True:
            asked, _ = door.accept()
            if os.fork() == 0:
                door.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    _keep(asked)
                finally:
                    os._exit(0)
            asked.close()


def _keep(asked: socket.socket) -> None:
    """Fork once more, and say how that ended. If the asker goes away, the fork is killed."""
    header, files, _, _ = socket.recv_fds(asked, HEADER_BYTES, 3)
    with asked.makefile("rb") as stream:
        module, arguments, environ, folder = json.loads(stream.read(int.from_bytes(header)))
    child = os.fork()
    if child == 0:
        asked.close()
        _run(module, arguments, environ, folder, files)
    ended, _, _ = select.select([os.pidfd_open(child), asked], [], [])
    if asked in ended:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        asked.sendall(str(status).encode())


def _run(module: str, arguments: list[str], environ: dict[str, str], folder: str, files: list[int]) -> None:
    """Be the child: with its files, environment, folder and arguments."""
    import importlib

    status = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environ)
        status = importlib.import_module(module).main(*arguments)
    except BaseException:  # noqa: BLE001 - this is the end of a process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    {"ask": ask, "serve": serve}[sys.argv[1]](*sys.argv[2:])
