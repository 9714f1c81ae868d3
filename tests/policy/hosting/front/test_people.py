"""What people may do at once and in a minute, on the real front over loopback."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from policy.hosting.front.conftest import Door

from plum_lsp.policy.hosting.front import limits
from plum_lsp.policy.hosting.front.keys import IN_FLIGHT
from plum_lsp.policy.hosting.front.limits import WAITING_MAX

ASKED = {"model": "base", "prompt": "def", "max_tokens": 9, "stream": True}


@pytest.mark.slow
async def test_two_hundred_at_once_are_answered_or_told_to_wait(door: Door) -> None:
    """Ten people with twenty requests each: every one gets 200, or 429 with the time to wait. None breaks."""
    keys = [door.add(f"p{number}") for number in range(10)]
    clients = [door.client(key) for key in keys]
    answers = await asyncio.gather(*(one.post("/v1/completions", json=ASKED) for one in clients for _ in range(20)))
    for client in clients:
        await client.aclose()
    seen = Counter(answer.status_code for answer in answers)
    assert set(seen) <= {200, 429}
    assert seen[200] == len(door.engine.completions) >= 10 * IN_FLIGHT  # these have their places at once
    assert all(answer.text.endswith("data: [DONE]\n\n") for answer in answers if answer.status_code == 200)
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    async with door.client(keys[0]) as client:
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 200


@pytest.mark.slow
async def test_two_hundred_of_one_person_leave_the_others_alone(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The greedy one gets what the limit allows; another person is answered in the meantime."""
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    door.engine.forget()
    door.engine.will_complete("    held\n", is_held=True, when="held")
    door.engine.will_complete("    return a\n")
    greedy = door.client(door.add("greedy", in_flight=3))
    held = [asyncio.create_task(greedy.post("/v1/completions", json=ASKED | {"prompt": "held"})) for _ in range(200)]
    while sum(task.done() for task in held) < 197:
        await asyncio.sleep(0.01)
    assert {task.result().status_code for task in held if task.done()} == {429}
    async with door.client(door.keys["ann"]) as client:
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 200
    door.engine.release()
    answers = await asyncio.gather(*held)
    await greedy.aclose()
    assert Counter(answer.status_code for answer in answers) == {200: 3, 429: 197}


async def test_a_request_over_the_limit_waits_for_the_one_before(door: Door) -> None:
    """A moment, not an error."""
    door.engine.forget()
    door.engine.will_complete("    held\n", is_held=True)
    async with door.client(door.add("bob", in_flight=1)) as client:
        first = asyncio.create_task(client.post("/v1/completions", json=ASKED))
        second = asyncio.create_task(client.post("/v1/completions", json=ASKED))
        person = await door.person("bob")
        while person.open < 2:
            await asyncio.sleep(0.01)
        assert len(door.engine.completions) <= 1
        door.engine.release()
        assert [(await one).status_code for one in (first, second)] == [200, 200]


async def test_tokens_of_a_minute_are_counted_and_given_back(door: Door) -> None:
    """What was not written may be asked for again; what a whole minute cannot hold is told at once."""
    async with door.client(door.add("bob", tokens_a_minute=100)) as client:
        for _ in range(3):  # each reserves up to 60 and writes a few
            assert (await client.post("/v1/completions", json=ASKED | {"max_tokens": 30})).status_code == 200
        too_many = await client.post("/v1/completions", json=ASKED | {"n": 50})
        assert (too_many.status_code, "in a minute" in too_many.text) == (400, True)
        refused = None
        for _ in range(9):
            answer = await client.post("/v1/completions", json=ASKED | {"max_tokens": 70})
            if answer.status_code == 429:
                refused = answer
                break
        assert refused is not None
        assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_turns_go_to_the_one_with_fewest(door: Door) -> None:
    """One person's line of requests at the engine does not come before another's first."""
    door.engine.forget()
    door.engine.will_complete("    held\n", is_held=True, when="held")
    door.engine.will_complete("    return a\n")
    many, one = door.client(door.add("many")), door.client(door.add("one"))
    first = [asyncio.create_task(many.post("/v1/completions", json=ASKED | {"prompt": "held"})) for _ in range(8)]
    while len(door.engine.completions) < 4:
        await asyncio.sleep(0.01)
    later = asyncio.create_task(one.post("/v1/completions", json=ASKED | {"prompt": "mine"}))
    person = await door.person("one")
    while not person.in_flight:
        await asyncio.sleep(0.01)
    door.engine.release_one()
    while len(door.engine.completions) < 5:
        await asyncio.sleep(0.01)
    assert [seen.prompt for seen in door.engine.completions[:5]] == ["held"] * 4 + ["mine"]
    door.engine.release()
    await asyncio.gather(later, *first)
    await many.aclose()
    await one.aclose()


async def test_a_key_is_revoked_and_added_while_the_server_runs(door: Door) -> None:
    """The next request knows."""
    async with door.client(door.keys["ann"]) as client:
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 200
        door.revoke("ann")
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 401
    async with door.client(door.add("ann")) as client:
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 200


async def test_a_key_that_is_revoked_while_it_waits_gets_nothing(door: Door) -> None:
    """Neither does the one that waits in its line."""
    door.engine.forget()
    door.engine.will_complete("    held\n", is_held=True)
    async with door.client(door.add("bob", in_flight=1)) as client:
        first = asyncio.create_task(client.post("/v1/completions", json=ASKED))
        while not door.engine.completions:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(client.post("/v1/completions", json=ASKED))
        person = await door.person("bob")
        while person.open < 2:
            await asyncio.sleep(0.01)
        door.revoke("bob")
        door.engine.release()
        assert [(await one).status_code for one in (first, second)] == [200, 401]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": [{"name": "ann"}]}', '{"keys": [3]}'])
async def test_a_damaged_file_lets_no_person_in(door: Door, text: str) -> None:
    """The server's own key still counts."""
    (door.data_dir / "keys.json").write_text(text)
    for name, status in (("ann", 401), ("owner", 200)):
        async with door.client(door.keys[name]) as client:
            assert (await client.post("/v1/completions", json=ASKED)).status_code == status


async def test_a_file_that_others_may_write_lets_no_person_in(door: Door) -> None:
    """They could add keys to it."""
    (door.data_dir / "keys.json").chmod(0o666)
    async with door.client(door.keys["ann"]) as client:
        assert (await client.post("/v1/completions", json=ASKED)).status_code == 401


async def test_the_use_of_each_key_is_told_to_those_who_may_watch(door: Door) -> None:
    """A person sees only the own."""
    door.add("eye", can_watch=True)
    for name in ("ann", "pub"):
        async with door.client(door.keys[name]) as client:
            await client.post("/v1/completions", json=ASKED)
    figures = {}
    for name in ("ann", "eye", "owner"):
        async with door.client(door.keys[name]) as client:
            figures[name] = (await client.get("/metrics")).text
    assert 'plum_key_requests_total{key="ann"} 1' in figures["ann"]
    assert '"pub"' not in figures["ann"]
    for name in ("eye", "owner"):
        assert 'plum_key_requests_total{key="pub"} 1' in figures[name]
        assert 'plum_key_tokens_written_total{key="ann"} ' in figures[name]


async def test_open_requests_are_bounded_before_their_bodies(door: Door) -> None:
    """Slow bodies of one person do not use up the connections."""
    key = door.add("bob", in_flight=1).encode()
    slow = (
        b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + b"\r\nContent-Length: 9\r\n\r\n"
    )
    writers = []
    for _ in range(1 + WAITING_MAX):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(slow)
        writers.append(writer)
    person = await door.person("bob")
    while person.open < 1 + WAITING_MAX:
        await asyncio.sleep(0.01)
    assert (await door.raw(slow)).startswith(b"HTTP/1.1 429")
    for writer in writers:
        writer.close()
    while person.open:
        await asyncio.sleep(0.01)
