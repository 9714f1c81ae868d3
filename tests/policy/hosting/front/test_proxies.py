"""The proxies of docs/team.md, run by a real nginx and a real Caddy with a real certificate chain, where they are."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from policy.hosting.front.conftest import Door
from support.tunnels import CERTIFICATES

pytestmark = pytest.mark.slow

ASKED = {"model": "base", "prompt": "def", "max_tokens": 9, "stream": True}
PAGE = Path(__file__).parents[4] / "docs" / "team.md"


def program(name: str) -> str:
    """Where a proxy is. The test is skipped if it is nowhere."""
    places = (None, "/usr/sbin", str(Path(sys.executable).parent))
    found = next(filter(None, (shutil.which(name, path=place) for place in places)), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def shown(language: str, *changes: tuple[str, str]) -> str:
    """The configuration of the page, with the ports and certificates of the test."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (text,) = (block for block in blocks if "plum.example.org" in block and "8000" in block)
    for there, here in changes:
        assert there in text
        text = text.replace(there, here)
    return str(text)


def nginx(folder: Path, port: int, behind: int) -> list[str]:
    """The command of nginx."""
    site = shown(
        "nginx",
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("http://127.0.0.1:8000", f"http://127.0.0.1:{behind}"),
        ("/etc/ssl/plum/fullchain.pem", str(CERTIFICATES / "server.pem")),
        ("/etc/ssl/plum/key.pem", str(CERTIFICATES / "server.key")),
        ("plum.example.org", "localhost"),
    )
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in names)
    root = "user root;\n" if Path("/root").owner() == Path.home().owner() else ""
    (folder / "nginx.conf").write_text(
        f"daemon off;\n{root}pid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\n"
        f"http {{ access_log off;\n{paths}{site} }}\n"
    )
    return [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]


def caddy(folder: Path, port: int, behind: int) -> list[str]:
    """The command of Caddy. The page's fetches its certificate by itself. This one is told where it is."""
    own = f"bind 127.0.0.1\n    tls {CERTIFICATES / 'server.pem'} {CERTIFICATES / 'server.key'}"
    site = shown(
        "text",
        ("plum.example.org {", f"https://localhost:{port} {{\n    {own}"),
        ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
    )
    options = (
        f"admin off\nauto_https disable_redirects\nstorage file_system {folder}\nlog {{\noutput file {folder}/log\n}}"
    )
    (folder / "Caddyfile").write_text(f"{{\n{options}\n}}\n{site}")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy])
async def secure(request: pytest.FixtureRequest, door: Door, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client with ann's key that trusts the authority, at the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        *request.param(tmp_path, port, door.port), env={"HOME": str(tmp_path)}, stderr=asyncio.subprocess.DEVNULL
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
                    assert process.returncode is None, (tmp_path / "log").read_text()
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
    """401, 403, 413 and 429 with its time come through; paths that a proxy makes plain get no further."""
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
