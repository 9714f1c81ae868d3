"""What breaks around the server, and that the user is told what to do while the editor goes on."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support import with_bug, without_isolation
from support.editor import PLUM_LSP, Editor, capabilities
from support.processes import descendants, until_gone
from support.scripted_policy import ScriptedPolicy
from support.wire import HELLO, frame, request

from plum_lsp.config.folder import store_file

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'


@pytest.fixture(autouse=True)
def knows_add(policy: ScriptedPolicy) -> None:
    """The policy knows the answer in all these tests."""
    policy.will_complete("return a + b\n")


async def test_without_isolation_nothing_is_run(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """On a kernel that refuses it: nothing is offered as verified, and the user learns what is missing."""
    command = (sys.executable, without_isolation.__file__, sys.executable, PLUM_LSP, "serve")
    async with Editor.running(folder=tmp_path, policy_url=policy.url, command=command) as editor:
        assert await editor.suggest(ADD) is None
        told = await editor.explain()
        assert told["reason"] == "sandbox_unavailable"
        assert "Landlock" in told["text"]
        assert editor.status["kind"] == "Error"


async def test_a_corrupt_store_is_told_where_there_is_no_status_line(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Once, with what to do. Suggestions come all the same."""
    store = store_file(tmp_path / "data")
    store.parent.mkdir(parents=True)
    store.write_text("this is no database" * 100)
    able = capabilities(inline=False, shows_status=False)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
        assert await editor.suggest(ADD)
        (told,) = editor.read_messages()
        assert "is no database" in told
        assert "move it away" in told


async def test_an_editor_without_a_status_line_is_told_too(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """As a message, once however often it asks, and in no message that it does not know."""
    command = (sys.executable, without_isolation.__file__, sys.executable, PLUM_LSP, "serve")
    able = capabilities(inline=False, shows_status=False)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, command=command, able=able) as editor:
        for _ in range(2):
            assert await editor.suggest(ADD) is None
            assert (await editor.explain())["reason"] == "sandbox_unavailable"
        (told,) = editor.read_messages()
        assert told.startswith("plum-lsp: ")
        assert "Landlock" in told
        assert editor.statuses == []


async def test_an_interpreter_that_is_none_is_told(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """A wrong setting is named."""
    settings = {"sandbox": {"interpreter": "/bin/false"}}
    async with Editor.running(folder=tmp_path, policy_url=policy.url, settings=settings) as editor:
        assert await editor.suggest(ADD) is None
        assert "/bin/false" in (await editor.explain())["text"]


async def _offers_and_tells(folder: Path, policy: ScriptedPolicy, environ: Mapping[str, str]) -> dict[str, Any]:
    """An offer is made all the same; returns what accepting it replies."""
    async with Editor.running(folder=folder, policy_url=policy.url, environ=environ) as editor:
        await editor.until_ready()
        assert editor.status["kind"] == "Warning"
        offer = await editor.suggest(ADD)
        assert offer is not None
        assert offer.is_verified
        return dict(await editor.accept(offer))


async def test_a_damaged_store_does_not_stop_suggestions(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """It is left as it is, and nothing is recorded."""
    store = store_file(tmp_path / "data")
    store.parent.mkdir()
    store.write_bytes(b"this is no database" * 100)
    reply = await _offers_and_tells(tmp_path, policy, {})
    assert not reply["recorded"]
    assert store.read_bytes() == b"this is no database" * 100


async def test_a_store_that_cannot_be_written_does_not_stop_suggestions(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """`/proc` refuses new files even to root."""
    assert not (await _offers_and_tells(tmp_path, policy, {"PLUM_DATA_DIR": "/proc"}))["recorded"]


async def test_a_store_that_is_locked_does_not_stop_suggestions(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Another process holds the lock for longer than we wait: offers come in time, recording fails and says so."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        assert await editor.suggest(ADD) is not None
        other = sqlite3.connect(store_file(tmp_path / "data"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            offer = await editor.suggest(ADD)
            assert offer is not None
            reply = await editor.accept(offer)
            assert not reply["recorded"]
            assert "locked" in reply["problem"]
        finally:
            other.close()
        offer = await editor.suggest(ADD)
        assert offer is not None
        assert (await editor.accept(offer))["recorded"]


async def test_an_orderly_end_leaves_no_process(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """`shutdown` and `exit` end the server with 0, and all that it started."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        left = await _processes_at_work(editor)
        await editor.leave()
        assert editor.process is not None
        assert editor.process.returncode == 0
    assert await until_gone(left) == set()


async def test_an_editor_that_is_killed_leaves_no_process(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Standard input closes in the middle of a request: the server ends by itself."""
    policy.forget()
    policy.will_hang("return")
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        await editor.open(ADD)
        asked = asyncio.create_task(editor.ask())
        await editor.until(lambda: policy.completions)
        assert editor.process is not None
        assert editor.process.stdin is not None
        left = descendants(editor.process.pid) | {editor.process.pid}
        editor.process.stdin.close()
        assert await until_gone(left) == set()
        assert await asyncio.wait_for(editor.process.wait(), 10) == 1
        with pytest.raises(RuntimeError):
            await asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_signal_leaves_no_process(policy: ScriptedPolicy, tmp_path: Path, number: signal.Signals) -> None:
    """Asked to end, or killed outright: nothing that it started outlives the server."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        left = await _processes_at_work(editor)
        assert editor.process is not None
        os.kill(editor.process.pid, number)
        assert await until_gone(left) == set()
        await editor.process.wait()


async def _processes_at_work(editor: Editor) -> set[int]:
    """The server and what it started, once it has served a request."""
    assert await editor.suggest(ADD) is not None
    assert editor.process is not None
    below = descendants(editor.process.pid)
    assert below, "a real sandbox has processes"
    return below | {editor.process.pid}


async def test_nonsense_does_not_end_the_server(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Broken JSON, unknown methods and wrong types are logged; nothing pops up and the next request is served."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        await editor.until_ready()
        assert editor.process is not None
        assert editor.process.stdin is not None
        for body in (b"{", b"[]", b"17", b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}'):
            editor.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        editor.tell("textDocument/didShowCompletion", {"item": 3})
        editor.tell("textDocument/didPartiallyAcceptCompletion", None)
        editor.tell("plum/unknown", {"a": 1})
        assert await editor.suggest(ADD) is not None
        assert editor.messages == []


async def test_the_log_holds_no_source_text(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Neither of the buffer nor of the completion, whatever happens; each request leaves one line."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        offer = await editor.suggest("password = 'hunter2'\n" + ADD)
        assert offer is not None
        await editor.accept(offer)
        editor.tell("textDocument/didChange", {"hunter2": "hunter2"})
        await editor.explain()
        assert len(editor.logged("request=")) == 1
        assert editor.logged("hunter2") == []
        assert editor.logged("return a + b") == []


async def test_a_file_may_hold_the_messages(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Standard input that is a file is read to its end, and the server leaves."""
    messages = tmp_path / "messages"
    shutdown = {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}
    messages.write_bytes(frame(request(1, "initialize", HELLO)) + frame(shutdown))
    with messages.open("rb") as file:
        process = await asyncio.create_subprocess_exec(
            PLUM_LSP, "serve", stdin=file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        output, _ = await process.communicate()
    assert b'"id": 2, "jsonrpc": "2.0", "result": null' in output
    assert process.returncode == 0


async def test_one_editor_is_served_over_tcp(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Port and token are told in the log; the editor names no program; when it leaves, so does the server."""
    environ = {**os.environ, "PLUM_POLICY_URL": policy.url, "PLUM_POLICY_API_KEY": policy.api_key}
    environ |= {"PLUM_DATA_DIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        PLUM_LSP, "serve", "--tcp", stderr=asyncio.subprocess.PIPE, env=environ
    )
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    found = re.search(r"listening on 127\.0\.0\.1:(\d+), token in (.+)", line)
    assert found is not None
    refused, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    assert await refused.read() == b""
    writer.close()
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    settings = {"sandbox": {"interpreter": str(program)}, "policy": {"url": "http://e.example"}}
    token = Path(found[2]).read_text().strip()
    async with Editor.over_tcp("127.0.0.1", int(found[1]), token=token, settings=settings) as editor:
        assert await editor.suggest(ADD) is not None
        told = editor.read_messages()
    assert len(told) == 2 and all("over TCP may not set it" in one for one in told)
    assert not mark.exists()
    assert await process.wait() == 0


async def test_a_deadline_frees_the_policy(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """A stream that outlives its request would go on generating, and every later request would wait behind it."""
    policy.forget()
    policy.will_hang("return")
    settings = {"offers": {"deadlineMs": 1000}}
    async with Editor.running(folder=tmp_path, policy_url=policy.url, settings=settings) as editor:
        await editor.until_ready()
        for _ in range(3):
            assert await editor.suggest(ADD) is None
            assert (await editor.explain())["reason"] == "deadline"
        await editor.until(lambda: len(policy.hanging) == policy.closed_early >= 3)


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("plum_lsp.suggestion.pipeline", "survey"),
        ("plum_lsp.suggestion.round.gathering", "make_candidate"),
        ("plum_lsp.suggestion.round.judges", "find_evidence"),
        ("plum_lsp.suggestion.round.settling", "appraised"),
    ],
)
async def test_a_bug_is_told_and_stored_as_one(
    module: str, function: str, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    """In any step: the explanation, the log, the store and the report name the kind of error, and no source text."""
    command = (sys.executable, with_bug.__file__, module, function, "serve")
    settings = {"offers": {"stop_early": False}}
    async with Editor.running(folder=tmp_path, policy_url=policy.url, command=command, settings=settings) as editor:
        assert await editor.suggest(ADD) is None
        told = await editor.explain()
        assert told["reason"] == "internal_error"
        assert "plum-lsp failed (SystemError)" in told["text"]
        assert editor.status["kind"] == "Error"
        await editor.until(lambda: editor.logged("end=abstention:internal_error"))
        assert editor.logged("broke: SystemError")
        assert with_bug.SECRET not in "\n".join(editor.log)
    with sqlite3.connect(store_file(tmp_path / "data")) as db:
        assert db.execute("SELECT reason, detail FROM endings").fetchall() == [
            ("internal_error", "plum-lsp failed (SystemError). See its log.")
        ]
    folders = {"PLUM_CONFIG_FILE": str(tmp_path / "config.toml"), "PLUM_DATA_DIR": str(tmp_path / "data")}
    environ = {**os.environ, **folders, "COLUMNS": "120"}
    report = await asyncio.to_thread(subprocess.check_output, [PLUM_LSP, "report"], env=environ, text=True)
    assert "plum-lsp failed: a bug, see its log" in report
    assert "you typed on" not in report
