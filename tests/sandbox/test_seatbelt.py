"""The macOS tier, as far as it can be tested elsewhere: its profile's text, its processes without `sandbox-exec`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.hostile import HONEST, honest
from support.processes import children

from plum_lsp.domain.errors import SandboxError, SandboxUnavailable
from plum_lsp.domain.verification import Call, Ending, Limits, Program, VerdictStatus
from plum_lsp.sandbox import seatbelt
from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)


def test_the_profile_denies_everything_it_does_not_name(tmp_path: Path) -> None:
    """No rule allows network, fork, or writing anything but `/dev/null`; names with quotes stay names."""
    odd = tmp_path / 'a "b) (allow default'
    odd.mkdir()
    text = seatbelt.profile(describe_interpreter(sys.executable), [str(odd)], [str(tmp_path)])
    lines = text.splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    kinds = {line.split()[1].rstrip(")") for line in lines[2:]}
    assert kinds == {
        "process-exec", "sysctl-read", "signal", "file-read*", "file-read-metadata", "file-write-data", "file-read-data"
    }  # fmt: skip
    assert '\\"b) (allow default")' in text
    assert str(Path.home()) not in {part.strip('")') for part in text.split('(subpath "')}


def test_a_path_that_cannot_be_quoted_is_refused(tmp_path: Path) -> None:
    """A line end in a folder's name must not become a rule."""
    odd = tmp_path / "a\nb"
    odd.mkdir()
    with pytest.raises(SandboxError):
        seatbelt.profile(describe_interpreter(sys.executable), [str(odd)], [])


@pytest.mark.skipif(sys.platform == "darwin", reason="there is a Seatbelt here")
async def test_without_seatbelt_the_tier_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs outside of it."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="sandbox-exec"):
        await open_sandbox(SandboxOptions())


@pytest.fixture
async def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JailSandbox]:
    """The tier's processes under a `sandbox-exec` that confines nothing: for programs of ours alone."""
    script = tmp_path / "sandbox-exec"
    script.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(seatbelt, "SANDBOX_EXEC", str(script))
    interpreter = describe_interpreter(sys.executable)
    earlier = children()
    opened = JailSandbox(SandboxOptions(jobs=2, spares=2, checks_itself=False), interpreter, seatbelt.TIER)
    await opened.start()
    yield opened
    await opened.close()
    assert children() <= earlier


@pytest.mark.slow
async def test_processes_are_judged_as_forks_are(processes: JailSandbox) -> None:
    """The harness, the codec and the judge are the same; what hangs or leaves is ended."""
    (verdict,) = await processes.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    assert verdict.status is VerdictStatus.PASSED, verdict.shown
    hang = Program(source="def f():\n    while True: pass")
    (seen,) = await processes.observe(hang, [Call(expression="f()")], Limits(wall_seconds=3.0))
    assert seen.ending is Ending.TIMED_OUT
    (seen,) = await processes.observe(Program(source="import os\nos._exit(0)"), [Call(expression="1")], PATIENT)
    assert seen.ending is Ending.CRASHED
    assert "never run" in processes.tier.layers[0]
