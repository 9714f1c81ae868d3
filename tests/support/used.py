"""Fills a store with some days of recorded use, by chance. Holds no tests."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.events import Event, Sampled
from plum_lsp.domain.learning import OutcomeKind, Survival
from plum_lsp.domain.suggestion import AbstentionReason, OfferId, RequestId
from plum_lsp.store import open_store
from support.facts import VERSION, abstention, candidate, outcome, prompted, suggestion

ADAPTED = replace(VERSION, number=2, adapter_sha256="cd" * 32)
KINDS = [*OutcomeKind, None, OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED]


async def used(path: Path, *, seed: int, requests: int = 60) -> None:
    """Fill a store with the recorded use of some days: offers of two versions, outcomes, survivals and silence."""
    chance = random.Random(seed)
    with closing(open_store(path)) as store:
        for number in range(requests):
            request = f"r{number}"
            for event in _events(request, chance):
                store.record(event)
            store.flush()
            kind = chance.choice(KINDS)
            if kind is None or number % 5 == 0:
                continue
            if kind is OutcomeKind.EDITED:
                await store.record_outcome(outcome(f"{request}-offer", OutcomeKind.ACCEPTED))
            await store.record_outcome(outcome(f"{request}-offer", kind))
            if kind is OutcomeKind.ACCEPTED and chance.random() < 0.8:
                left = Survival(
                    offer_id=OfferId(f"{request}-offer"), after_ms=600_000, share=chance.random(), text="x", at=2.0
                )
                await store.record_outcome(left)
    with sqlite3.connect(path) as db:
        for (request,) in db.execute("SELECT id FROM requests").fetchall():
            day, place = chance.randrange(1, 8), chance.randrange(12)
            given = (f"2026-11-{day:02}T10:00:00.000+00:00", f"file:///p/{place}.py", f"f{place}", request)
            db.execute("UPDATE requests SET prompted_at = ?, document_uri = ?, function_name = ? WHERE id = ?", given)


def _events(request: str, chance: random.Random) -> list[Event]:
    """Every fifth request ends in silence."""
    if int(request[1:]) % 5 == 0:
        return [prompted(request), abstention(request, chance.choice(list(AbstentionReason)))]
    events = suggestion(request, version=chance.choice((VERSION, ADAPTED)))
    if chance.random() < 0.5:
        copy = candidate(2, version=VERSION)
        events.insert(-1, Sampled(request_id=RequestId(request), candidate=copy, duplicate_of=chance.randrange(2)))
    return events
