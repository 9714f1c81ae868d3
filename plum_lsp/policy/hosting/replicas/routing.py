"""Which replica a request goes to. Decides only.

A replica remembers the prompts that it has read. A request therefore goes where the one before it for the same document
went: the beginning of the prompt stays the same while a person types, and a change of it empties the memory anyway.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

BEGINNING_CHARACTERS = 400
"""So much of a prompt tells documents apart. A prompt that is shorter is read again in no time."""
SURPLUS = 1.25
"""A replica takes at most this many times its equal part of the requests that run. With the part rounded up, documents
stay where they are as long as no replica is overrun ("Consistent Hashing with Bounded Loads", arXiv 1608.01350)."""


def document_key(person: str, prompt: object) -> str:
    """What requests of one person for one document have in common."""
    text = prompt if isinstance(prompt, str) else repr(prompt)[: 4 * BEGINNING_CHARACTERS]
    return f"{person}\n{text[:BEGINNING_CHARACTERS]}"


def chosen(key: str, in_flight: Mapping[str, int]) -> str:
    """The replica for a key, of those with so many requests running.

    Each pair of key and replica has a fixed weight, and the heaviest is chosen ("rendezvous hashing"). If a replica
    goes, only its own keys move, and they come back with it.
    """
    bound = math.ceil(SURPLUS * (sum(in_flight.values()) + 1) / len(in_flight))
    free = [name for name, count in in_flight.items() if count < bound]
    return max(free, key=lambda name: hashlib.sha256(f"{name}\n{key}".encode("utf-8", "surrogatepass")).digest())
