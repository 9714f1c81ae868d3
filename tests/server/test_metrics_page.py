"""The metrics page answers to this machine's own name alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from plum_lsp.server.metrics import Metrics, MetricsPage


@pytest.fixture
def port() -> Iterator[int]:
    """A port with the page behind it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = int(taken.getsockname()[1])
    page = MetricsPage(Metrics(), pytest.fail)
    page.serve_at(free)
    yield free
    page.close()


def answer(port: int, *headers: str) -> tuple[bytes, bytes]:
    """The status line and the body for a request with these headers."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(["GET /metrics HTTP/1.0", *headers, "", ""]).encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], body


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_our_own_name_is_answered(port: int, name: str) -> None:
    """By address and by name, with the port."""
    status, body = answer(port, f"Host: {name}:{port}")
    assert b"200" in status and b"plum_requests" in body


@pytest.mark.parametrize(
    "header",
    [
        "Host: e.example:{port}",
        "Host: e.example",
        "Host: 127.0.0.1.e.example:{port}",
        "Host: 127.0.0.1:{port}:e.example",
        "Host: localhost",
        "Host: localhost:1",
        "Host: [::1]:{port}",
        "Host: 0.0.0.0:{port}",
        "Host:",
        "X-Forwarded-Host: 127.0.0.1:{port}",
    ],
)
def test_another_name_is_refused(port: int, header: str) -> None:
    """A web page whose name leads here learns nothing, whatever the name looks like; so does a request without one."""
    status, body = answer(port, header.format(port=port))
    assert b"421" in status and b"plum_" not in body
