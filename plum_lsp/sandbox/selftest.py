"""Attacks the given sandbox, as a real candidate would. A sandbox that fails against one attack is not used.

The attacks do no harm if they succeed. The self-test is no proof: `tests/hostile` holds the long list.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Limits,
    Origin,
    Program,
    SandboxTier,
    TestCase,
    TestId,
    VerdictStatus,
)

_PROBES = '''
import os, socket, sys

def attempts(*actions):
    """The names of the actions that succeeded."""
    done = []
    for action in actions:
        try:
            action()
        except OSError:
            continue
        done.append(action.__name__)
    return done

def reads_passwords(): open("/etc/passwd").read()
def reads_home():
    if not os.listdir(os.environ.get("HOME", "/root")): raise OSError
def reads_processes(): open("/proc/self/environ").read()
def writes_tmp(): open("/tmp/plum-selftest", "w").close()
def writes_cwd(): open("plum-selftest", "w").close()
def writes_library(): open(os.__file__ + ".plum-selftest", "w").close()
def opens_socket():
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if sys.platform == "darwin": opened.connect(("127.0.0.1", 9))  # opening is harmless there
def opens_unix_socket():
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "darwin": opened.bind("/tmp/plum-selftest")
def opens_netlink():
    if sys.platform == "darwin": raise OSError
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
def forks():
    if os.fork() == 0: os._exit(0)
def executes(): os.execv(sys.executable, [sys.executable, "-c", ""])
def signals_all(): os.kill(-1, 0)
def signals_parent(): os.kill(os.getppid() or 1, 0)
def changes_mode(): os.chmod("/", 0o777)
def becomes_root(): os.setuid(0)
def sees_environment():
    if not os.environ: raise OSError

def escapes():
    return attempts(reads_passwords, reads_home, reads_processes, writes_tmp, writes_cwd, writes_library, opens_socket,
        opens_unix_socket, opens_netlink, forks, executes, signals_all, signals_parent, changes_mode, becomes_root,
        sees_environment)
'''
_FORGERY = """
import os
class Same(int):
    def __eq__(self, other): return True
    __hash__ = None
def forged(): return Same(1)
def right(): return [1, 2.0, {"a": (None, True)}]
def leaves(): os._exit(0)
"""
_SPIN = "import itertools, collections\ndef spin(): collections.deque(itertools.count(), maxlen=0)\n"
_LIMITS = Limits(wall_seconds=20.0)
"""A long limit, so that a busy machine does not make the self-test fail."""
_SHORT = Limits(wall_seconds=0.1)
"""For the program that never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestReport:
    """The result of the self-test: the tier, and each attack with whether it was stopped."""

    tier: SandboxTier
    attacks: tuple[tuple[str, bool], ...]

    @property
    def is_safe(self) -> bool:
        """Whether every attack was stopped."""
        return all(was_stopped for _, was_stopped in self.attacks)


async def check(sandbox: Sandbox) -> SelfTestReport:
    """Attack an open sandbox.

    Raises:
        SandboxError: an attack succeeded, or an honest program did not pass.
    """
    forged = _test("forged()", "2")
    honest = _test("right()", "[1, 2.0, {'a': (None, True)}]")
    leaving = _test("leaves()", "None")
    (spinning,), (escapes,), verdicts = await asyncio.gather(  # the first request waits for all of them
        sandbox.observe(Program(source=_SPIN), [Call(expression="spin()")], _SHORT),
        sandbox.observe(Program(source=_PROBES), [Call(expression="escapes()")], _LIMITS),
        sandbox.verify(Program(source=_FORGERY), [forged, honest, leaving], _LIMITS, reference=Program(source="")),
    )
    succeeded = _names(escapes.value) if escapes.ending is Ending.RETURNED else ["the probe itself"]
    attacks = (
        ("leave the jail" + (f" ({', '.join(succeeded)})" if succeeded else ""), not succeeded),
        ("forge equality", verdicts[0].status is VerdictStatus.FAILED),
        ("pass as an honest program", verdicts[1].status is VerdictStatus.PASSED),
        ("pass by leaving", verdicts[2].status is VerdictStatus.ERRORED),
        ("outlast the deadline", spinning.ending is Ending.TIMED_OUT),
    )
    report = SelfTestReport(tier=sandbox.tier, attacks=attacks)
    if not report.is_safe:
        failed = "; ".join(name for name, was_stopped in attacks if not was_stopped)
        raise SandboxError(f"the self-test of the sandbox failed: {failed} ({escapes.detail})")
    return report


def _names(value: object) -> list[str]:
    items = getattr(value, "items", ())
    return [str(item) for item in items]


def _test(expression: str, expected: str) -> TestCase:
    return TestCase(
        id=TestId(expression),
        call=Call(expression=expression),
        expectation=Equals(expected=expected),
        origin=Origin.PROJECT,
        quote=expression,
    )
