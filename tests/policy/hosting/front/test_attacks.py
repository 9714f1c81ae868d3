"""Attacks on the address that people use: none reaches the engine, and the next person is served."""

from __future__ import annotations

import json
import re

import pytest
from policy.hosting.front.conftest import Door

from plum_lsp.policy.hosting import http_server

ASKED = b'{"model": "base", "prompt": "def", "max_tokens": 9}'
LOAD = b'{"lora_name": "plum-v3", "lora_path": "VERSIONS/3"}'


def head(method: bytes, path: bytes, *lines: bytes, body: bytes | None = None) -> bytes:
    """A request with these further header lines, and with its length where it has a body."""
    length = [b"Content-Length: %d" % len(body)] if body is not None else []
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: a", *lines, *length, b"", body or b""])


def ask(*lines: bytes, path: bytes = b"/v1/completions", body: bytes = ASKED) -> bytes:
    """A completion request."""
    return head(b"POST", path, *lines, body=body)


ANN, PUB, GONE = b"Authorization: Bearer ANN", b"Authorization: Bearer PUB", b"Authorization: Bearer GONE"
SMUGGLED = ask(PUB, path=b"/v1/load_lora_adapter", body=LOAD)

WITHOUT_A_KEY = {
    "no key": ask(),
    "empty key": ask(b"Authorization:"),
    "only the scheme": ask(b"Authorization: Bearer "),
    "wrong key": ask(b"Authorization: Bearer plum-wrong"),
    "key without the scheme": ask(b"Authorization: ANN"),
    "another scheme": ask(b"Authorization: Basic ANN"),
    "start of a key": ask(b"Authorization: Bearer plum-"),
    "key and more": ask(ANN + b"x"),
    "two spaces": ask(b"Authorization: Bearer  ANN"),
    "tab": ask(b"Authorization: Bearer\tANN"),
    "key in other case": ask(b"Authorization: Bearer LOWER"),
    "hash of a key": ask(b"Authorization: Bearer HASH"),
    "name of a person": ask(b"Authorization: Bearer ann"),
    "the engine's key": ask(b"Authorization: Bearer engine-key"),
    "bytes that are no text": ask(b"Authorization: Bearer \xff\xfe"),
    "revoked": ask(GONE),
    "key in the query": ask(path=b"/v1/completions?api_key=ANN&Authorization=Bearer%20ANN"),
    "key in another header": ask(b"X-Api-Key: ANN", b"Proxy-Authorization: Bearer ANN"),
    "two keys": ask(b"Authorization: Bearer wrong", ANN),
    "two keys, the right one first": ask(ANN, b"Authorization: Bearer wrong"),
    "two keys in one": ask(b"Authorization: Bearer wrong, Bearer ANN"),
    "folded line": ask(b"Authorization: Bearer\r\n  wrong ANN"),
    "space before the colon": ask(b"Authorization : Bearer ANN"),
    "underscore": ask(b"HTTP_AUTHORIZATION: Bearer ANN"),
    "/metrics": head(b"GET", b"/metrics"),
    "/v1/models": head(b"GET", b"/v1/models"),
    "/health with a body": head(b"GET", b"/health", body=b"x" * 10),
    "health and more": ask(path=b"/health/../v1/completions"),
    "POST to /health": ask(path=b"/health"),
}
WITH_AN_ORDINARY_KEY = {
    "load": ask(ANN, path=b"/v1/load_lora_adapter", body=LOAD),
    "unload": ask(ANN, path=b"/v1/unload_lora_adapter", body=LOAD),
    "sleep": ask(ANN, path=b"/sleep"),
    "wake up": ask(ANN, path=b"/wake_up"),
    "load with a query": ask(ANN, path=b"/v1/load_lora_adapter?x=1", body=LOAD),
    "two slashes": ask(ANN, path=b"//v1/load_lora_adapter", body=LOAD),
    "slash at the end": ask(ANN, path=b"/v1/load_lora_adapter/", body=LOAD),
    "dots": ask(ANN, path=b"/v1/completions/../load_lora_adapter", body=LOAD),
    "one dot": ask(ANN, path=b"/v1/./load_lora_adapter", body=LOAD),
    "encoded dots": ask(ANN, path=b"/v1/completions/%2e%2e/load_lora_adapter", body=LOAD),
    "encoded letter": ask(ANN, path=b"/v1/%6coad_lora_adapter", body=LOAD),
    "encoded slash": ask(ANN, path=b"/v1%2fload_lora_adapter", body=LOAD),
    "semicolon": ask(ANN, path=b"/v1/..;/load_lora_adapter", body=LOAD),
    "parameter": ask(ANN, path=b"/v1/load_lora_adapter;x", body=LOAD),
    "fragment": ask(ANN, path=b"/v1/load_lora_adapter#", body=LOAD),
    "upper case": ask(ANN, path=b"/V1/LOAD_LORA_ADAPTER", body=LOAD),
    "backslash": ask(ANN, path=b"/v1\\load_lora_adapter", body=LOAD),
    "zero byte": ask(ANN, path=b"/v1/load_lora_adapter%00", body=LOAD),
    "whole address": ask(ANN, path=b"http://a/v1/load_lora_adapter", body=LOAD),
    "address of the engine": ask(ANN, path=b"http://127.0.0.1:ENGINE/v1/completions"),
    "method in lower case": head(b"post", b"/v1/load_lora_adapter", ANN, body=LOAD),
    "another method": head(b"PUT", b"/v1/load_lora_adapter", ANN, body=LOAD),
    "overridden method": head(b"GET", b"/v1/load_lora_adapter", ANN, b"X-HTTP-Method-Override: POST", body=LOAD),
    "rewritten path": ask(ANN, b"X-Original-URL: /v1/load_lora_adapter", path=b"/v1/nothing", body=LOAD),
    "tunnel": head(b"CONNECT", b"127.0.0.1:ENGINE", ANN),
    "other paths of the engine": head(b"GET", b"/docs", ANN),
    "version under proof": ask(ANN, body=b'{"model": "probe-9", "prompt": "def"}'),
    "model that is no name": ask(ANN, body=b'{"model": ["probe-9"], "prompt": "def", "n": 1e300}'),
    "more than a minute's tokens": ask(ANN, body=b'{"model": "base", "prompt": "def", "n": 1e300}'),
    "body that is too long": ask(ANN, body=b" " * (1024 * 1024 + 1)),
    "body that says that it is": head(b"POST", b"/v1/completions", ANN, b"Content-Length: 99999999999"),
    "length that is no number": head(b"POST", b"/v1/completions", ANN, b"Content-Length: -1"),
    "two lengths": head(b"POST", b"/v1/completions", ANN, b"Content-Length: 9", b"Content-Length: 10", body=ASKED),
    "length and chunks": head(
        b"POST", b"/v1/completions", ANN, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED
    ),
    "chunks twice": head(b"POST", b"/v1/completions", ANN, b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "chunks by another name": head(b"POST", b"/v1/completions", ANN, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunk that is no number": head(b"POST", b"/v1/completions", ANN, b"Transfer-Encoding: chunked") + b"zz\r\n",
    "deep JSON": ask(ANN, body=b'{"prompt": ' + b"[" * 100_000),
    "header that is too long": ask(ANN, b"X: " + b"a" * 100_000),
    "many headers": ask(ANN, *[b"X-%d: a" % number for number in range(5000)]),
    "two hosts": ask(ANN, b"Host: b"),
    "line end in a header": ask(ANN, b"X: a\r\rY: b"),
    "zero byte in a header": ask(ANN, b"X: a\0b"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
WITH_A_PUBLISHERS_KEY = {
    "another folder": b'{"lora_name": "plum-v3", "lora_path": "/etc"}',
    "folder above": b'{"lora_name": "plum-v3", "lora_path": "VERSIONS/3/.."}',
    "folder of a hub": b'{"lora_name": "plum-v3", "lora_path": "someone/adapter"}',
    "name of the base": b'{"lora_name": "base", "lora_path": "VERSIONS/3"}',
    "name with a slash": b'{"lora_name": "plum-v3/..", "lora_path": "VERSIONS/3"}',
    "name with a line": b'{"lora_name": "plum-v3\\n", "lora_path": "VERSIONS/3"}',
    "name in other digits": '{"lora_name": "plum-v٣", "lora_path": "VERSIONS/3"}'.encode(),
    "zero byte": b'{"lora_name": "plum-v3", "lora_path": "VERSIONS/3\\u0000"}',
}
ATTACKS = {
    **{f"stranger: {name}": attack for name, attack in WITHOUT_A_KEY.items()},
    **{f"person: {name}": attack for name, attack in WITH_AN_ORDINARY_KEY.items()},
    **{
        f"publisher: {name}": ask(PUB, path=b"/v1/load_lora_adapter", body=body)
        for name, body in WITH_A_PUBLISHERS_KEY.items()
    },
}


def filled(attack: bytes, door: Door) -> bytes:
    """An attack with the real keys and folders, and with the length that its body then has."""
    book = json.loads((door.data_dir / "keys.json").read_text())["keys"]
    start, _, body = attack.partition(b"\r\n\r\n")
    words = {
        b"HASH": book[0]["sha256"],
        b"LOWER": door.keys["ann"].swapcase(),
        b"ENGINE": door.engine.base_url.rpartition(":")[2],
        b"ANN": door.keys["ann"],
        b"PUB": door.keys["pub"],
        b"GONE": door.keys["gone"],
        b"VERSIONS": str(door.data_dir / "adapters"),
    }
    named = re.compile(b"|".join(words))  # in one pass, because a random key may contain one of the words
    start, made = (named.sub(lambda found: words[found[0]].encode(), text) for text in (start, body))
    told = b"Content-Length: %d" % len(body)
    return start.replace(told, b"Content-Length: %d" % len(made)) + b"\r\n\r\n" + made


def test_there_are_many() -> None:
    """Of each kind."""
    assert len(ATTACKS) == 82  # as docs/team.md says


@pytest.mark.parametrize("name", ATTACKS)
async def test_no_attack_gets_through(door: Door, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused or dropped, the engine hears nothing of it, and the next request of a person is answered."""
    with monkeypatch.context() as impatient:
        impatient.setattr(http_server, "HEAD_SECONDS", 0.5)
        impatient.setattr(http_server, "REQUEST_SECONDS", 0.5)
        answer = await door.raw(filled(ATTACKS[name], door))
    assert not answer or answer[9:10] in (b"4", b"5"), answer[:300]
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert door.engine.requests == []
    assert b"Bearer" not in answer and door.keys["ann"].encode() not in answer
    response = await door.raw(filled(ask(ANN), door))
    assert response.startswith(b"HTTP/1.1 200"), response


@pytest.mark.parametrize("key", [ANN, PUB, b"authorization: Bearer ANN", b"AUTHORIZATION:Bearer PUB  "])
async def test_the_same_request_with_a_key_is_answered(door: Door, key: bytes) -> None:
    """The attacks fail for their attack, not for their form."""
    assert (await door.raw(filled(ask(key), door))).startswith(b"HTTP/1.1 200")
    assert len(door.engine.completions) == 1


async def test_the_same_load_with_the_right_reaches_the_engine(door: Door) -> None:
    """With the engine's own key, and the path as it was checked."""
    await door.raw(filled(ask(PUB, path=b"/v1/load_lora_adapter", body=LOAD), door))
    (seen,) = door.engine.requests
    assert seen.path == "/v1/load_lora_adapter"
    assert seen.is_authorized
    assert seen.payload == {"lora_name": "plum-v3", "lora_path": str(door.data_dir / "adapters" / "3")}


async def test_what_follows_a_request_is_not_read_as_another(door: Door) -> None:
    """One request a connection, whatever comes behind it."""
    answer = await door.raw(filled(ask(ANN), door) + filled(SMUGGLED, door))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [seen.path for seen in door.engine.requests] == ["/v1/completions"]


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"POST /v1/comple",
        ask(ANN)[:-3],
        head(b"POST", b"/v1/completions", ANN, b"Transfer-Encoding: chunked") + b"5\r\nab",
    ],
)
async def test_slow_requests_are_dropped(door: Door, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """Neither a head nor a body is waited for, and the place in the person's line is given back."""
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(http_server, "REQUEST_SECONDS", 0.05)
    async with door.slow(filled(start, door) if b"\r\n\r\n" in start else start) as answer:
        assert await answer() == b""
    assert door.engine.requests == []
    assert all(person.open == 0 for person in door.front.gate.people())


async def test_a_person_sees_no_version_under_proof(door: Door) -> None:
    """Its publisher does."""
    for name, seen in (("ann", ["base", "plum-v1"]), ("pub", ["base", "plum-v1", "probe-9"])):
        async with door.client(door.keys[name]) as client:
            rows = (await client.get("/v1/models")).json()["data"]
        assert [row["id"] for row in rows] == seen
