"""Starts one zygote as planned: command line, control socket, settings. It checks the isolation that the zygote got.

The caller chooses tier, interpreter and imports. A zygote with less isolation than its tier promises is ended here and
never handed out.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.verification import SandboxTier
from plum_lsp.sandbox import seatbelt
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.isolation import quota
from plum_lsp.sandbox.pool import Source
from plum_lsp.sandbox.zygote_process import ZygoteProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The description of a zygote. `readable` has no hidden parts. `quota` is None without limits for the whole zygote.

    `room` is what only the zygote of a project has.
    """

    tier: isolation.Tier
    interpreter: isolation.Interpreter
    readable: tuple[str, ...]
    import_paths: tuple[str, ...]
    imports: tuple[str, ...]
    nice: int
    quota: quota.Quota | None
    room: isolation.Room | None = None


async def start(order: Order) -> tuple[Source, SandboxTier]:
    """A zygote that is ready to fork, and the isolation it has.

    Raises:
        SandboxError: it did not start, or it started with less isolation than the tier has.
    """
    return _start_alone(order) if order.tier is seatbelt.TIER else await _start_zygote(order)


def _start_alone(order: Order) -> tuple[Source, SandboxTier]:
    """On macOS: each child is a separate process."""
    paths = [*order.interpreter.paths, *order.import_paths]
    settings = {"paths": paths, "imports": [*isolation.IMPORTS, *order.imports], "nice": order.nice}
    source = seatbelt.start(order.interpreter, order.readable, order.import_paths, settings)
    tier = SandboxTier(name=order.tier.name, layers=seatbelt.LAYERS, python_version=order.interpreter.version)
    return source, tier


async def _start_zygote(order: Order) -> tuple[Source, SandboxTier]:
    """On Linux."""
    from plum_lsp.sandbox.jail.lockdown import landlock_version

    tier = order.tier
    bubblewrap = isolation.bubblewrap_path() or ""
    if tier.has_bubblewrap and not bubblewrap:
        raise SandboxError("there is no bubblewrap")
    landlock = landlock_version()
    if not tier.has_bubblewrap and not landlock:
        raise SandboxError("the kernel has no Landlock")
    control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    number, is_root = far.detach(), os.geteuid() == 0
    command = isolation.command(
        tier,
        order.interpreter,
        order.readable,
        control_fd=number,
        bubblewrap=bubblewrap,
        is_root=is_root,
        has_room=order.room is not None,
    )
    if order.quota is not None:
        command = quota.under(order.quota, command)
    settings = isolation.settings(
        tier,
        order.interpreter,
        order.readable,
        import_paths=order.import_paths,
        imports=order.imports,
        landlock=landlock,
        is_root=is_root,
        nice=order.nice,
        room=order.room,
    )
    zygote = await ZygoteProcess.start(command, settings, control, number)
    has_namespaces = zygote.report.get("pid_namespaces") is True
    if tier.has_pid_namespaces and not has_namespaces:
        await zygote.close()
        raise SandboxError("children cannot have pid namespaces of their own")
    threads = str(zygote.report.get("threads"))
    if threads not in isolation.THREADS:
        await zygote.close()
        raise SandboxError("the zygote does not say how many threads its children may have")
    names = isolation.layers(tier, landlock=landlock, has_pid_namespaces=has_namespaces, threads=threads)
    together = () if order.quota is None else (order.quota.layer,)
    version = order.interpreter.version
    return zygote, SandboxTier(name=tier.name, layers=(*names, *together), python_version=version)


def has_landlock() -> bool:
    """Whether the kernel can hide single files from a child."""
    from plum_lsp.sandbox.jail.lockdown import landlock_version  # Imported here, because the module needs Linux.

    return landlock_version() > 0
