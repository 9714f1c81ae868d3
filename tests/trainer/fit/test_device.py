"""A server that can sleep is put to sleep for a fit and woken afterwards, whatever came of the fit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from plum_trainer.fit import device


class Sleeper(BaseHTTPRequestHandler):
    """Answers like vLLM in sleep mode and remembers what it was asked."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Take one request."""
        assert self.headers["Authorization"] == "Bearer key"
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the server was asked."""
    Sleeper.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sleeper)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    class State:
        """A server of ours."""

        url = f"http://127.0.0.1:{server.server_port}/v1"
        engine = "vllm"
        api_key = "key"

    monkeypatch.setattr(device, "read_state", lambda _: State)
    yield Sleeper.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_server_sleeps_during_the_fit_alone(asked: list[str], tmp_path: Path) -> None:
    """And wakes even if the fit fails."""
    with pytest.raises(ValueError, match="fit"), device.shared(tmp_path, "sleep", report=lambda text: None):
        assert asked == ["/sleep"]
        raise ValueError("the fit failed")
    assert asked == ["/sleep", "/wake_up"]


def test_a_device_of_ones_own_leaves_the_server_alone(asked: list[str], tmp_path: Path) -> None:
    """Nothing is asked of it."""
    with device.shared(tmp_path, "separate", report=lambda text: None):
        pass
    assert asked == []
