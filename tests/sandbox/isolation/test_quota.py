"""Limits for all children of a zygote together: where groups are found, what they stop, and that they go."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.hostile import HONEST, honest

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.isolation import quota
from plum_lsp.sandbox.opening import open_sandbox

PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
MOUNT = "30 20 0:26 {root} {point} rw,relatime - {kind} {kind} rw{extra}\n"


def unified(tmp_path: Path, controllers: str) -> tuple[Path, str]:
    """A version 2 hierarchy: our group, in one whose children have `controllers`; and its mount."""
    own = tmp_path / "user.slice" / "app.scope"
    own.mkdir(parents=True)
    (own / "cgroup.subtree_control").write_text("")
    (own.parent / "cgroup.subtree_control").write_text(controllers)
    (own.parent / "cgroup.procs").write_text("")
    return own, MOUNT.format(root="/", point=tmp_path, kind="cgroup2", extra="")


def emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain folders keep the files that a kernel would remove with the group."""
    remove = Path.rmdir

    def rmdir(self: Path) -> None:
        for name in self.iterdir():
            name.unlink()
        remove(self)

    monkeypatch.setattr(Path, "rmdir", rmdir)


def test_a_delegated_group_is_made_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 2: a group with processes, as ours, has no children with controllers, but its parent may have."""
    emptied(monkeypatch)
    own, mounts = unified(tmp_path, "cpu memory pids")
    found = quota.find("0::/user.slice/app.scope\n", mounts)
    ((folder, limits),) = found.groups
    assert (folder, found.is_unified) == (str(own.parent), True)
    assert {name for name, _ in limits} == {"memory.max", "memory.swap.max", "pids.max"}
    assert not list(own.parent.glob("plum-*"))


@pytest.mark.parametrize("controllers", ["", "cpu pids"])
def test_a_hierarchy_without_the_controllers_gives_none(tmp_path: Path, controllers: str) -> None:
    """Both limits or none: half a promise is not reported as a layer."""
    _, mounts = unified(tmp_path, controllers)
    with pytest.raises(quota.NoQuota):
        quota.find("0::/user.slice/app.scope\n", mounts)


def test_two_hierarchies_take_a_group_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1, as on older systems: memory and pids are mounted apart."""
    emptied(monkeypatch)
    mounts = ""
    for name in ("memory", "pids"):
        (tmp_path / name / "ours").mkdir(parents=True)
        (tmp_path / name / "ours" / "cgroup.procs").write_text("")
        mounts += MOUNT.format(root="/", point=tmp_path / name, kind="cgroup", extra=f",{name}")
    found = quota.find("4:memory:/ours\n8:pids:/ours\n0::/\n", mounts)
    assert [Path(folder).relative_to(tmp_path).as_posix() for folder, _ in found.groups] == ["memory/ours", "pids/ours"]


def groups(owner: int) -> set[Path]:
    """The control groups of zygotes that a process started; others may run sandboxes on this machine, too."""
    found = [place for folder, _ in quota.find().groups for place in Path(folder).glob("plum-zygote-*")]
    return {place for place in found if parent(int(place.name.rsplit("-", 1)[1])) == owner}


def parent(pid: int) -> int:
    """Of a process; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.fixture
def has_quota() -> None:
    """Some machines give none; the tests of finding one run there all the same."""
    try:
        quota.find()
    except quota.NoQuota as error:
        pytest.skip(f"this machine gives no control groups: {error}")


FILL = (
    "def f():\n    kept = []\n    for _ in range(80): kept.append(bytearray(b'x') * 5_000_000)\n    return len(kept)\n"
)


@pytest.mark.slow
@pytest.mark.usefixtures("has_quota")
async def test_children_have_one_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four children within their own limits, and over that of all: some are killed, the zygote and the honest go on."""
    monkeypatch.setattr(quota, "memory_max", lambda: 300 << 20)
    opened = await open_sandbox(SandboxOptions(jobs=4, checks_itself=False))
    assert any("cgroup" in layer for layer in opened.tier.layers)
    ours = groups(os.getpid())
    assert ours
    seen = await asyncio.gather(
        *(opened.observe(Program(source=FILL), [Call(expression="f()")], PATIENT) for _ in range(4))
    )
    assert Ending.OVER_LIMIT in {observation.ending for (observation,) in seen}
    (verdict,) = await opened.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    await opened.close()
    assert verdict.is_pass
    assert not any(place.exists() for place in ours)


THREADS = """
import threading, time
def f():
    for _ in range(500):
        try: threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        except RuntimeError: time.sleep(0.01)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("has_quota")
async def test_a_flood_of_threads_costs_others_at_most_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zygote that cannot fork for want of tasks says so and lives on; when the flood is over, programs pass again."""
    monkeypatch.setattr(quota, "TASKS_MAX", 24)
    opened = await open_sandbox(SandboxOptions(jobs=4, checks_itself=False))
    flood = asyncio.create_task(
        opened.observe(Program(source=THREADS), [Call(expression="f()")], Limits(wall_seconds=2.0))
    )
    await asyncio.sleep(1.0)
    others = [opened.verify(HONEST, honest(), PATIENT, reference=Program(source="")) for _ in range(12)]
    refused = [found for found in await asyncio.gather(*others, return_exceptions=True) if isinstance(found, Exception)]
    assert all(isinstance(error, SandboxError) and "fork" in str(error) for error in refused), refused
    ((seen,), zygotes) = await flood, list(opened._pool._warm.values())
    assert seen.ending is Ending.TIMED_OUT
    (verdict,) = await opened.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    assert verdict.is_pass
    assert [warm.zygote.is_broken for warm in zygotes] == [False]
    await opened.close()


OWNER = """
import asyncio
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
async def main():
    await open_sandbox(SandboxOptions(checks_itself=False))
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.usefixtures("has_quota")
def test_no_group_survives_a_killed_owner() -> None:
    """The keeper removes the groups when the zygote has gone, whoever else is dead."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"open\n"
    theirs = groups(owner.pid)
    assert theirs
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 10
    while any(place.exists() for place in theirs) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(place.exists() for place in theirs)


@pytest.mark.slow
async def test_a_broken_group_is_no_reason_to_run_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a group was found and cannot be made after all, the tier goes without, and says so in its layers."""
    broken = quota.Quota(groups=(("/proc", (("memory.max", "1"),)),), memory_bytes=1, tasks=1, is_unified=True)
    monkeypatch.setattr(quota, "find", lambda: broken)
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    (verdict,) = await opened.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    await opened.close()
    assert verdict.is_pass
    assert not any("cgroup" in layer for layer in opened.tier.layers)
