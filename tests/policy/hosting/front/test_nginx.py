"""The nginx configuration of docs/team.md, run by a real nginx with a real certificate chain, where nginx is there."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from policy.hosting.front.conftest import Door
from support.tunnels import CERTIFICATES

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]

ASKED = {"model": "base", "prompt": "def", "max_tokens": 9, "stream": True}
PAGE = Path(__file__).parents[4] / "docs" / "team.md"


def site(port: int, behind: int) -> str:
    """The configuration of the page, with the ports and certificates of the test."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    text = found.group(1)
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("http://127.0.0.1:8000", f"http://127.0.0.1:{behind}"),
        ("/etc/ssl/plum/fullchain.pem", str(CERTIFICATES / "server.pem")),
        ("/etc/ssl/plum/key.pem", str(CERTIFICATES / "server.key")),
        ("plum.example.org", "localhost"),
    ):
        assert there in text
        text = text.replace(there, here)
    return text


@pytest.fixture
async def secure(door: Door, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client with ann's key that trusts the authority, at nginx."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in folders)
    root = "user root;\n" if Path("/root").owner() == Path.home().owner() else ""
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off;\n{root}pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{paths}{site(port, door.port)} }}\n"
    )
    assert NGINX is not None
    process = await asyncio.create_subprocess_exec(
        NGINX, "-p", str(tmp_path), "-c", str(config), "-e", str(tmp_path / "error.log")
    )
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
    headers = {"Authorization": f"Bearer {door.keys['ann']}"}
    url = f"https://localhost:{port}"
    async with httpx.AsyncClient(base_url=url, verify=context, headers=headers, trust_env=False, timeout=60) as client:
        try:
            while True:
                try:
                    await client.get("/health")
                    break
                except httpx.ConnectError:
                    assert process.returncode is None, (tmp_path / "error.log").read_text()
                    await asyncio.sleep(0.02)
            yield client
        finally:
            process.terminate()
            await process.wait()


async def test_completions_come_as_they_are_written(door: Door, secure: httpx.AsyncClient) -> None:
    """The first event arrives while the engine still writes; a hang-up reaches the engine."""
    assert (await secure.post("/v1/completions", json=ASKED)).text.endswith("data: [DONE]\n\n")
    door.engine.forget()
    door.engine.will_hang("    x")
    async with secure.stream("POST", "/v1/completions", json=ASKED) as response:
        assert b"x" in await anext(response.aiter_raw())
    assert await asyncio.to_thread(door.engine.wait_until_idle)
    assert door.engine.closed_early == 1


async def test_keys_and_limits_hold_behind_it(door: Door, secure: httpx.AsyncClient) -> None:
    """401, 403, 413 and 429 with its time come through; paths that nginx makes plain get no further."""
    assert (await secure.get("/v1/models", headers={"Authorization": "Bearer wrong"})).status_code == 401
    for path in ("/v1/load_lora_adapter", "//v1/load_lora_adapter", "/v1/x/%2e%2e/load_lora_adapter"):
        answer = await secure.post(path, json={"lora_name": "plum-v3", "lora_path": "/x"})
        assert answer.status_code in (403, 404)
    assert (await secure.post("/v1/completions", content=b" " * (2 * 1024 * 1024))).status_code == 413
    key = door.add("few", tokens_a_minute=60)
    asked = [secure.post("/v1/completions", json=ASKED, headers={"Authorization": f"Bearer {key}"}) for _ in range(8)]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and {answer.status_code for answer in answers} <= {200, 429}
    assert all("retry-after" in answer.headers for answer in refused)
    assert {seen.path for seen in door.engine.requests} == {"/health", "/v1/completions"}


async def test_a_client_without_the_authority_refuses(secure: httpx.AsyncClient) -> None:
    """The chain is real."""
    async with httpx.AsyncClient(trust_env=False) as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(f"{secure.base_url}/health")
