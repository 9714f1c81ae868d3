"""A policy server by URL: private certificate authorities, proxies, keys, and the version it serves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from support.contexts import prompt_at
from support.scripted_policy import ScriptedPolicy
from support.tunnels import CERTIFICATES, proxy_to, tls_in_front_of

from plum_lsp.domain.errors import ConfigError, PolicyError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.client import completions as client_module
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.connection import Connection

PROMPT = prompt_at("def add(a, b):\n    ‸\n")
OPTIONS = SamplingOptions(temperatures=(0.2,), top_p=1.0, max_tokens=20, seed=0)
AUTHORITY = str(CERTIFICATES / "authority.pem")
HOST = "policy.example"


@pytest.fixture
def server() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as running:
        running.will_complete("    return a\n")
        yield running


def port_of(server: ScriptedPolicy) -> int:
    """Where it listens."""
    return int(server.base_url.rpartition(":")[2])


async def ask(url: str, connection: Connection) -> list[str]:
    """What a group says, asked with this address and connection."""
    policy = CompletionsPolicy(url, connection=connection)
    try:
        async with aclosing(policy.sample(PROMPT, OPTIONS, deadline=time.monotonic() + 20)) as stream:
            return [completion.text async for completion in stream]
    finally:
        await policy.close()


async def refused(url: str, connection: Connection) -> PolicyError:
    """The error that comes of it."""
    with pytest.raises(PolicyError) as caught:
        await ask(url, connection)
    return caught.value


async def test_private_authority_is_trusted_if_named(server: ScriptedPolicy) -> None:
    """With `policy.ca_file` a server whose certificate that authority signed answers as any other."""
    async with tls_in_front_of(port_of(server)) as port:
        connection = Connection(api_key=server.api_key, ca_file=AUTHORITY)
        assert await ask(f"https://localhost:{port}/v1", connection) == ["    return a\n"]


@pytest.mark.parametrize("ca_file", ["", str(CERTIFICATES / "stranger.pem")], ids=["none named", "another named"])
async def test_certificate_of_a_stranger_is_refused(server: ScriptedPolicy, ca_file: str) -> None:
    """Nothing is sent to a server that cannot be trusted; the setting to use is named."""
    async with tls_in_front_of(port_of(server)) as port:
        error = await refused(f"https://localhost:{port}/v1", Connection(api_key=server.api_key, ca_file=ca_file))
    assert isinstance(error, PolicyRefused)
    assert "is not trusted" in str(error)
    assert "policy.ca_file" in error.remedy
    assert server.requests == []


async def test_certificate_for_another_host_is_refused(server: ScriptedPolicy) -> None:
    """A certificate holds for its own names only, whoever signed it."""
    async with tls_in_front_of(port_of(server)) as port:
        error = await refused(f"https://127.0.0.1:{port}/v1", Connection(api_key=server.api_key, ca_file=AUTHORITY))
    assert "127.0.0.1" in str(error)
    assert isinstance(error, PolicyRefused)
    assert server.requests == []


async def test_https_to_a_server_without_tls_says_so(server: ScriptedPolicy) -> None:
    """The usual slip in an address."""
    error = await refused(f"https://localhost:{port_of(server)}/v1", Connection(api_key=server.api_key))
    assert "does not speak TLS" in str(error)
    assert "http://" in error.remedy


async def test_unreadable_authority_is_a_wrong_setting(tmp_path: Path) -> None:
    """A file that is missing or no certificate is told with its name, before anything is asked."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    for path in (tmp_path / "missing.pem", nonsense):
        with pytest.raises(ConfigError, match=path.name):
            CompletionsPolicy("https://localhost:1/v1", connection=Connection(ca_file=str(path)))


async def test_proxy_is_used_for_http(server: ScriptedPolicy) -> None:
    """The proxy resolves the name; the key arrives."""
    async with proxy_to(port_of(server)) as proxy:
        connection = Connection(api_key=server.api_key, proxy=proxy.url)
        assert await ask(f"http://{HOST}/v1", connection) == ["    return a\n"]
        assert proxy.asked == [f"GET http://{HOST}/v1/models", f"POST http://{HOST}/v1/completions"]


async def test_proxy_is_used_for_tls_and_sees_nothing(server: ScriptedPolicy) -> None:
    """TLS goes through the proxy, with credentials from its URL and the private authority at the far end."""
    async with tls_in_front_of(port_of(server)) as port, proxy_to(port, "user:secret") as proxy:
        connection = Connection(api_key=server.api_key, proxy=proxy.url, ca_file=AUTHORITY)
        assert await ask(f"https://{HOST}/v1", connection) == ["    return a\n"]
        assert set(proxy.asked) == {f"CONNECT {HOST}:443"}


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_asks_who_we_are_is_named(server: ScriptedPolicy, scheme: str) -> None:
    """A proxy's refusal is not taken for the server's."""
    async with proxy_to(port_of(server), "user:secret") as proxy:
        bare = proxy.url.replace("user:secret@", "")
        error = await refused(f"{scheme}://{HOST}/v1", Connection(api_key=server.api_key, proxy=bare))
    assert "proxy" in str(error)
    assert "policy.proxy" in error.remedy


async def test_proxy_of_the_environment_never_sees_this_machine(
    server: ScriptedPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual variables hold for other machines; a server on this one is asked directly."""
    async with proxy_to(port_of(server)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        connection = Connection(api_key=server.api_key)
        assert await ask(server.url, connection) == ["    return a\n"]
        assert proxy.asked == []
        assert await ask(f"http://{HOST}/v1", connection) == ["    return a\n"]
        assert len(proxy.asked) == 2


async def test_wrong_key_is_told_through_tls(server: ScriptedPolicy) -> None:
    """A refused key names the setting; the key itself is in no message."""
    async with tls_in_front_of(port_of(server)) as port:
        connection = Connection(api_key="wrong-key", ca_file=AUTHORITY)
        error = await refused(f"https://localhost:{port}/v1", connection)
    assert "401" in str(error)
    assert "PLUM_POLICY_API_KEY" in error.remedy
    assert "wrong-key" not in f"{error} {error.remedy} {connection!r}"


def cards(*names: str) -> list[dict[str, object]]:
    """The base model and adapters of it, as vLLM lists them."""
    return [{"id": "coder", "parent": None}, *({"id": name, "parent": "coder"} for name in names)]


async def test_newest_version_is_followed(server: ScriptedPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client by URL asks for the newest version listed, and for the next one once it is there."""
    monkeypatch.setattr(client_module, "VERSION_SECONDS", 0.0)
    policy = CompletionsPolicy(server.url, api_key=server.api_key)
    for names, number in (((), 0), (("plum-v2", "other", "probe-1"), 2), (("plum-v2", "plum-v10"), 10)):
        server.models = cards(*names)
        version = await policy.version()
        assert (version.number, version.model) == (number, "coder")
        async with aclosing(policy.sample(PROMPT, OPTIONS, deadline=time.monotonic() + 9)) as stream:
            await anext(stream)
        assert server.completions[-1].payload["model"] == (f"plum-v{number}" if number else "coder")
    server.models = []
    assert (await policy.version()).number == 10, "a list that cannot be had changes nothing"
    await policy.close()


@pytest.mark.parametrize(
    ("wanted", "served"), [("coder", "plum-v3"), ("plum-v2", "plum-v2"), ("other", "other"), ("", "plum-v3")]
)
async def test_named_version_or_adapter_is_kept(server: ScriptedPolicy, wanted: str, served: str) -> None:
    """`policy.model` names a base model to follow, or a version or adapter to stay with."""
    server.models = cards("plum-v2", "plum-v3", "other")
    policy = CompletionsPolicy(server.url, api_key=server.api_key, model=wanted)
    version = await policy.version()
    assert version.served_name == served
    await policy.close()


async def test_version_that_was_unloaded_is_let_go(server: ScriptedPolicy) -> None:
    """After a roll back the newest version is gone: its refusal is told, and the next request asks for another."""
    server.models = cards("plum-v3")
    policy = CompletionsPolicy(server.url, api_key=server.api_key)
    assert (await policy.version()).number == 3
    server.models = cards("plum-v2")
    server.forget()
    server.will_fail(404, "The model plum-v3 does not exist")
    with pytest.raises(PolicyUnavailable, match="plum-v3"):
        async with aclosing(policy.sample(PROMPT, OPTIONS, deadline=time.monotonic() + 9)) as stream:
            await anext(stream)
    assert (await policy.version()).number == 2
    await policy.close()
