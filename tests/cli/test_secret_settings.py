"""No secret setting is in a log, at any level, in whatever shape it arrives."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest
from support.wire import frame

from plum_lsp.config import Settings, secret_keys
from plum_lsp.config.settings import PolicySettings
from plum_lsp.report.discretion import discreet, keep_out_of_logs
from plum_lsp.report.printing import set_up_log

KEY = "plain-" + "word-key"


@pytest.mark.parametrize(
    "text",
    [
        "{'policy': {'apiKey': '%s'}}",
        '{"policy":{"api_key":"%s"}}',
        '{\\"apiKey\\": \\"%s\\"}',
        "{'apiKey': ['%s']}",
        "{'apiKey': {'value': '%s'}}",
        "Object(api_key='%s', url='')",
        "PLUM_POLICY_API_KEY=%s",
        'b\'{"apiKey": "%s"}\'',
        "proxy http://bob:%s@proxy:3128 is down",
        "{'apiKey': '%s",
    ],
)
def test_what_stands_under_the_name_of_the_key_is_hidden(text: str) -> None:
    """Before any settings were read: in reprs, JSON, addresses, also of the wrong type or cut off."""
    assert KEY not in discreet(text % KEY)


def test_a_key_that_was_read_is_hidden_wherever_it_occurs() -> None:
    """In a header, or in the message of an error."""
    keep_out_of_logs(Settings(policy=PolicySettings(api_key="river-" + "stone", proxy="http://bob:oak%21tree@proxy")))
    assert discreet("Bearer river-stone, oak!tree") == "Bearer REDACTED, REDACTED"


def test_every_secret_setting_is_known() -> None:
    """A setting whose field has no repr is secret, and `policy.api_key` is one."""
    assert secret_keys() == ("policy.api_key",)


def test_the_log_is_discreet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages and tracebacks, of any logger."""
    root = logging.Logger("root")
    monkeypatch.setattr(logging, "root", root)
    set_up_log("debug", tmp_path / "log")
    try:
        raise ValueError(f"api_key={KEY}")
    except ValueError:
        root.exception("settings: %s", {"apiKey": KEY})
    for handler in root.handlers:
        handler.close()
    assert KEY not in (tmp_path / "log").read_text()
    assert "ValueError" in (tmp_path / "log").read_text()


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    stream.write(frame({"jsonrpc": "2.0", **message}))
    stream.flush()


def await_answer(stream: IO[bytes], number: int) -> None:
    while True:
        length = 0
        while line := stream.readline().strip():
            if line.lower().startswith(b"content-length"):
                length = int(line.split(b":")[1])
        if json.loads(stream.read(length)).get("id") == number:
            return


@pytest.mark.slow
@pytest.mark.parametrize("level", ["debug", "info"])
def test_a_server_logs_no_key(level: str, tmp_path: Path) -> None:
    """Not from `initialize`, not from a change of the settings, not from the environment."""
    log = tmp_path / "log"
    keys = [f"{KEY}-{number}" for number in range(4)]
    command = [sys.executable, "-m", "plum_lsp", "serve", "--log-level", level, "--log-file", str(log)]
    environment = {
        **os.environ,
        "PLUM_DATA_DIR": str(tmp_path),
        "PLUM_POLICY_PROXY": f"http://bob:{keys[0]}@localhost:9",
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdin and server.stdout
        policy = {"url": "http://127.0.0.1:9/v1", "apiKey": keys[1]}
        options = {"capabilities": {}, "initializationOptions": {"plum": {"policy": policy}}}
        send(server.stdin, {"id": 1, "method": "initialize", "params": options})
        await_answer(server.stdout, 1)
        send(server.stdin, {"method": "initialized", "params": {}})
        for value in (keys[2], [keys[3]]):
            changed = {"settings": {"plum": {"policy": {**policy, "apiKey": value}}}}
            send(server.stdin, {"method": "workspace/didChangeConfiguration", "params": changed})
        send(server.stdin, {"id": 2, "method": "shutdown"})
        await_answer(server.stdout, 2)
        send(server.stdin, {"method": "exit"})
    assert KEY not in log.read_text()
    assert bool(log.read_text()) is (level == "debug")
