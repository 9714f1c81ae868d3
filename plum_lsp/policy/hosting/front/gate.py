"""Admits requests: finds the person behind a request, holds the person to the limits, and counts the use.

Does not know engines. `front` asks here before it passes a request on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from plum_lsp.policy.hosting.front.keys import KeyBook
from plum_lsp.policy.hosting.front.limits import Person, Turns
from plum_lsp.policy.hosting.front.tokens import Written, tokens_read, tokens_wanted
from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, Head, Refusal, Request

PERSON_BYTES_MAX = 1024 * 1024
"""The longest request with a person's key. With all that may be open it leaves room for those of other people."""
HEALTH = ("GET", "/health")
LOAD, UNLOAD = ("POST", "/v1/load_lora_adapter"), ("POST", "/v1/unload_lora_adapter")
SLEEP, WAKE = ("POST", "/sleep"), ("POST", "/wake_up")
PUBLISHING = frozenset({LOAD, UNLOAD, SLEEP, WAKE})
"""What changes the model for everyone."""


class Gate:
    """The door of one server. `capacity` is how many requests the engine takes at once (0: any number)."""

    def __init__(self, keys: KeyBook, *, capacity: int, context_tokens: int) -> None:
        self._keys = keys
        self._turns = Turns(capacity)
        self._context_tokens = context_tokens
        self._people: dict[str, Person] = {}

    @contextmanager
    def admit(self, head: Head) -> Iterator[int]:
        """How many bytes the body of a request may have. Without a key, only /health is allowed.

        Raises:
            Refusal: the key is wrong or missing, lacks the right, or has too many requests open.
        """
        if (head.method, head.path) == HEALTH:
            yield 0
            return
        person = self.person(head)
        if (head.method, head.path) in PUBLISHING and not person.key.can_publish:
            raise Refusal(403, "this key may not change the model")
        person.enter()
        try:
            yield BODY_BYTES_MAX if person.key.can_publish else PERSON_BYTES_MAX
        finally:
            person.open -= 1

    def person(self, head: Head) -> Person:
        """Whose key a request has.

        Raises:
            Refusal: the key is wrong or missing.
        """
        key = self._keys.holder(head.authorization)
        if key is None:
            raise Refusal(401, "the API key is wrong or missing")
        person = self._people.setdefault(key.name, Person(key))
        person.key = key
        return person

    def resize(self, capacity: int) -> None:
        """The engine takes another number of requests at once."""
        self._turns.resize(capacity)

    def people(self) -> tuple[Person, ...]:
        """All people with a request since the server started."""
        return tuple(self._people.values())

    @asynccontextmanager
    async def asking(self, person: Person, request: Request, fields: Mapping[str, Any]) -> AsyncIterator[Written]:
        """Hold one of the person's places, and charge what `Written` counts in the end.

        Raises:
            Refusal: a limit is reached.
        """
        read = tokens_read(request.body)
        wanted = tokens_wanted(fields, context_tokens=self._context_tokens)
        async with person.slot():
            await person.reserve(read + wanted)
            self.person(request.head)  # the key may have been revoked meanwhile
            person.requests += 1
            person.tokens_read += read
            written, is_whole = Written(), False
            try:
                yield written
                is_whole = True
            finally:
                # What a whole answer would have cost is not known if the client left before it.
                is_known = is_whole or bool(fields.get("stream")) or written.tokens > 0
                used = written.tokens if is_known else wanted
                person.tokens_written += used
                person.give_back(wanted - used)

    @asynccontextmanager
    async def turn(self, person: Person) -> AsyncIterator[None]:
        """Wait for a turn at the engine, and hold it. The one with the fewest requests there comes first."""
        async with self._turns.turn(person.key.name):
            yield

    def figures(self, reader: Person) -> list[str]:
        """The use of each key as Prometheus reads it. A key without the right to watch shows only its own use."""
        people = [one for one in self.people() if sees_all(reader) or one is reader]
        return [
            f'{name}{{key="{one.key.name}"}} {value}'
            for name, values in _FIGURES.items()
            for one, value in ((one, getattr(one, values)) for one in people)
        ]


def sees_all(reader: Person) -> bool:
    """Whether a person may see the use of others, which the engine's own figures also show."""
    return reader.key.can_watch or reader.key.can_publish


_FIGURES = {
    "plum_key_requests_total": "requests",
    "plum_key_refused_total": "refused",
    "plum_key_tokens_read_total": "tokens_read",
    "plum_key_tokens_written_total": "tokens_written",
    "plum_key_in_flight": "in_flight",
}
