"""The warm process that forks one child for each candidate. It passes descriptors and never reads a candidate's bytes.

Its only input is the control socket of the host (SOCK_SEQPACKET, one JSON object a message). First come the settings,
then one fork order for each child, with the child's private socket attached. The zygote answers with the child's pidfd
and reports the end of each child. When the control socket closes, because the host closed it or died in any way, all
processes end.

A zygote for a project also forks branches. A branch is a zygote that has imported more of the project, a document with
its hole unfilled, or its tests. It imports only the project's own code. That code runs where packages run, before a
child is locked down.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from importlib import import_module
from typing import Any, NoReturn

from . import child, documents, homes, lockdown, places, preparing, tasks

_MESSAGE_MAX = 1 << 20
_CHANNEL = 3
"""The descriptor of the private socket in each child."""
_LOOK_MS = 100
"""How often the sizes of the children's folders are checked."""


def main(control_fd: int) -> NoReturn:
    """Take the settings, warm up, fork on demand until the control socket closes."""
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    content, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_MAX, 1)
    settings = json.loads(content or os._exit(0))
    sys.path[:] = settings["paths"]
    for name in [name for name in sys.modules if name.split(".")[0] == "jail"]:
        del sys.modules[name]
    _leave_privileges(settings)
    # Before the files are restricted, because ids are mapped through a file. Before the imports, because packages may
    # start threads, after which the kernel makes no user namespace.
    has_namespaces = bool(settings["pid_namespaces"]) and _has_own_pid_namespace(descriptors[0])
    _restrict_files(settings["landlock"])
    _go_on_watched(control)
    bound = tasks.find()
    if settings["homes"]:
        os.environ.update(homes.environment(homes.make(settings["homes"], "zygote")))
        documents.serve_mapped(settings["mapped"])
    missing = _import_all(settings["imports"])
    if not settings["homes"]:
        os.environ.clear()
    _serve(control, settings, has_namespaces, preparing.Prepared(), {"missing": missing}, bound)


def _serve(
    control: socket.socket,
    settings: dict[str, Any],
    has_namespaces: bool,
    prepared: preparing.Prepared,
    more: dict[str, Any],
    bound: tasks.Bound,
) -> NoReturn:
    """Report that we are ready, with our pidfd, and serve the control socket."""
    own = os.pidfd_open(os.getpid())
    zygote = _Zygote(control, settings, has_namespaces, prepared, own, bound)
    report = {
        "ready": sys.version.split()[0],
        "pid_namespaces": has_namespaces,
        "landlock": lockdown.landlock_version(),
        "threads": bound.kind,
        "resident_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        **more,
    }
    socket.send_fds(control, [json.dumps(report).encode()], [own])
    zygote.run()


def _import_all(names: list[str]) -> list[str]:
    """Import the modules that candidates need. Return those that cannot be imported."""
    missing = []
    for name in names:
        try:
            import_module(name)
        except BaseException:  # noqa: BLE001 (a module that fails to import, or ends the program, is only missing)
            missing.append(name)
    return missing


def _leave_privileges(settings: dict[str, Any]) -> None:
    """Become an ordinary user if we are root, lower our priority, ignore terminal signals."""
    with contextlib.suppress(OSError):
        os.nice(settings["nice"])
    if settings["user"] is not None:
        lockdown.become_user(settings["user"], settings["user"])
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")


def _restrict_files(landlock: dict[str, Any] | None) -> None:
    """Put this process, and so every child, under the Landlock rules. It happens before any package is imported."""
    if landlock is None:
        return
    lockdown.refuse_new_privileges()
    handled, network, scoped = landlock["attributes"]
    rules = [(str(path), int(rights)) for path, rights in landlock["rules"]]
    ruleset = lockdown.landlock_ruleset((handled, network, scoped), rules)
    lockdown.restrict_files(ruleset)
    os.close(ruleset)


def _has_own_pid_namespace(proc: int) -> bool:
    """Put the next forks into a pid namespace in a user namespace of ours, so that children can have their own.

    Our ids are mapped there through the host's `/proc`, because a process without a mapped id can make no user
    namespace of its own. Where that is refused, the children share the bound on their threads (`tasks.SHARED`).
    """
    user, group = os.getuid(), os.getgid()
    try:
        lockdown.new_pid_namespace(with_user=True)
        with contextlib.suppress(OSError):
            lockdown.map_own_ids(proc, user, group)
    except OSError:
        return False
    finally:
        os.close(proc)
    return True


def _go_on_watched(control: socket.socket) -> None:
    """Go on in a forked process. This process stays behind and ends the other one when the host ends.

    A busy process (for example a package that never finishes its import) does not see that its control socket closed.
    """
    inner = os.fork()
    if not inner:
        lockdown.die_with_parent()
        return
    ended = os.pidfd_open(inner)
    watch = select.poll()
    watch.register(ended, select.POLLIN)
    watch.register(control.fileno(), 0)  # Only its end is watched. The kernel always reports it.
    if ended not in {descriptor for descriptor, _ in watch.poll()}:
        os.kill(inner, signal.SIGKILL)
    _, status = os.waitpid(inner, 0)
    os._exit(1 if status else 0)


class _Zygote:
    """Owns the children: their pidfds, their ends, their folders."""

    def __init__(
        self,
        control: socket.socket,
        settings: dict[str, Any],
        has_namespaces: bool,
        prepared: preparing.Prepared,
        own: int,
        bound: tasks.Bound,
    ) -> None:
        self._control = control
        self._settings = settings
        self._bound = bound
        self._threadless = base64.b64decode(settings["threadless"]) if bound.kind == tasks.NOTHING else b""
        self._has_namespaces = has_namespaces
        self._prepared = prepared
        self._own = own
        self._children: dict[int, tuple[int, int]] = {}
        self._homes: dict[int, str] = {}
        self._filter = base64.b64decode(settings["filter"])
        self._base_bytes = lockdown.address_space_used()
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        self._places = {
            kind: lockdown.open_places([(str(path), int(rights)) for path, rights in rules])
            for kind, rules in settings["views"].items()
        }
        prepared.settle()
        gc.collect()
        gc.freeze()

    def run(self) -> NoReturn:
        """Serve until the host ends."""
        while True:
            for descriptor, _ in self._poll.poll(_LOOK_MS if self._homes else None):
                if descriptor == self._control.fileno():
                    self._take_order()
                else:
                    self._bury(descriptor)
            for pidfd, home in self._homes.items():
                if homes.is_too_large(home):
                    _kill(pidfd)

    def _take_order(self) -> None:
        content, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_MAX, 1)
        if not content:
            self._end()
        order = json.loads(content)
        if "fork" in order:
            self._fork(order["fork"], descriptors[0], order.get("view", ""), order.get("hidden", []))
        elif "branch" in order:
            self._branch(order["branch"], descriptors[0])

    def _end(self) -> NoReturn:
        for pidfd in self._children:
            _kill(pidfd)
        os._exit(0)

    def _fork(self, number: int, channel: int, view: str, hidden: list[str]) -> None:
        """Fork one child on `channel` and send its pidfd to the host. With a `view` it has its own folder.

        It cannot open the hidden files.
        """
        home = ""
        try:
            if view:
                home = homes.make(self._settings["homes"], str(os.getpid()) + "-" + str(number))
            pid = self._forked(channel, view, home, hidden)
        except OSError as error:  # No room for another process. The others go on.
            os.close(channel)
            message = {"unforked": number, "problem": os.strerror(error.errno or 0)}
            self._control.send(json.dumps(message).encode())
            return
        os.close(channel)
        self._watch(number, pid, home)

    def _watch(self, number: int, pid: int, home: str) -> None:
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = (number, pid)
        if home:
            self._homes[pidfd] = home
        self._poll.register(pidfd, select.POLLIN)
        socket.send_fds(self._control, [json.dumps({"forked": number}).encode()], [pidfd])

    def _forked(self, channel: int, view: str, home: str, hidden: list[str]) -> int:
        """The pid of a new child. The child never returns from here."""
        if self._has_namespaces:
            lockdown.new_pid_namespace(with_user=False)
        try:
            pid = os.fork()
            if not pid:
                self._be_child(channel, view, home, hidden)
        finally:
            if self._has_namespaces:
                lockdown.back_to_pid_namespace(self._own)
        return pid

    def _branch(self, number: int, channel: int) -> None:
        """Fork another zygote with the imports of this one. It has its own control socket."""
        pid = os.fork()
        if not pid:
            try:
                self._be_branch(channel)
            finally:
                os._exit(71)
        os.close(channel)
        self._watch(number, pid, "")

    def _be_branch(self, channel: int) -> NoReturn:
        """Close the descriptors of the other zygote, prepare what is asked for, serve."""
        lockdown.die_with_parent()
        control = socket.socket(fileno=channel)
        self._control.close()
        for descriptor in (*self._children, self._own):
            os.close(descriptor)
        for opened in self._places.values():
            for _, descriptor, _ in opened:
                os.close(descriptor)
        order = json.loads(_long_message(control))
        with lockdown.data_bounded():
            more = self._prepared.prepare(order)
        _serve(control, self._settings, self._has_namespaces, self._prepared, more, self._bound)

    def _bury(self, pidfd: int) -> None:
        """Reap one child. Report how it ended (a negative number is the signal) and the CPU time that it took."""
        number, pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, used = os.wait4(pid, 0)
        home = self._homes.pop(pidfd, "")
        if home:
            homes.remove(home)
        cpu_ms = int((used.ru_utime + used.ru_stime) * 1000)
        message = {
            "ended": number,
            "status": os.waitstatus_to_exitcode(status),
            "cpu_ms": cpu_ms,
            "resident_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
        with contextlib.suppress(BrokenPipeError):
            self._control.send(json.dumps(message).encode())

    def _be_child(self, channel: int, view: str, home: str, hidden: list[str]) -> NoReturn:
        """Give up every right except the private socket, then serve it."""
        try:
            self._bound.confine()
            lockdown.die_with_parent()
            lockdown.drop_capabilities()
            lockdown.refuse_new_privileges()
            null = os.open("/dev/null", os.O_RDWR)
            if view:
                self._move_in(view, home, hidden)
            for standard in (0, 1, 2):
                os.dup2(null, standard)
            os.dup2(channel, 63)
            os.dup2(63, _CHANNEL, inheritable=False)
            os.closerange(4, 65536)
            base_bytes = self._base_bytes
            if self._threadless:
                lockdown.filter_system_calls(self._threadless)
            lockdown.filter_system_calls(self._filter)
            child.serve(_CHANNEL, lambda order: lockdown.limit_resources(order, base_bytes), self._prepared)
        finally:
            os._exit(70)

    def _move_in(self, view: str, home: str, hidden: list[str]) -> None:
        """Restrict this process to the view's files and its own folder. Work in the project's folder."""
        homes.live_in(home)
        places.forget_texts(hidden)
        if os.path.isdir(self._settings["folder"]):
            os.chdir(self._settings["folder"])
        landlock = self._settings["landlock"]
        if landlock is not None:
            handled, network, scoped = landlock["attributes"]
            split, whole = places.divided(self._places[view], hidden)
            rules = [(home, self._settings["home_rights"]), *places.without(split, hidden)]
            ruleset = lockdown.landlock_ruleset((handled, network, scoped), rules)
            lockdown.allow_places(ruleset, whole)
            lockdown.restrict_files(ruleset)
            os.close(ruleset)


def _kill(pidfd: int) -> None:
    with contextlib.suppress(OSError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _long_message(control: socket.socket) -> bytes:
    """A message that the host sends in parts, with its length first."""
    size, content = int(control.recv(_MESSAGE_MAX) or os._exit(0)), bytearray()
    while len(content) < size:
        content += control.recv(_MESSAGE_MAX) or os._exit(0)
    return bytes(content)
