"""What the status bar says."""

from __future__ import annotations

import asyncio

import pytest
from support.bench import Bench, make_offer
from support.editor import Editor
from support.facts import prompted

from plum_lsp.domain.events import Ended
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId, SuggestionRequest
from plum_lsp.domain.text import Span
from plum_lsp.server import session
from plum_lsp.server.status import (
    ALARM_SECONDS,
    READY,
    STARTING,
    Alarm,
    Kind,
    Status,
    StatusBar,
    ended_status,
)


def bar() -> tuple[StatusBar, list[Status]]:
    told: list[Status] = []
    return StatusBar(told.append), told


def test_a_status_is_told_once() -> None:
    """Until it changes."""
    status, told = bar()
    for shown in (STARTING, STARTING, READY, READY, STARTING):
        status.show(shown)
    assert told == [STARTING, READY, STARTING]


@pytest.mark.parametrize("reason", AbstentionReason)
def test_every_reason_has_a_status_that_is_not_busy(reason: AbstentionReason) -> None:
    """However a request ends, the editor does not go on turning its wheel."""
    status = ended_status(Abstention(request_id=RequestId("r"), reason=reason, detail="why"))
    assert not status.busy
    assert status.message


def test_trouble_is_told_from_silence() -> None:
    """A policy that is gone is an error; candidates that all failed are not."""
    gone = Abstention(request_id=RequestId("r"), reason=AbstentionReason.POLICY_UNAVAILABLE, detail="gone")
    failed = Abstention(request_id=RequestId("r"), reason=AbstentionReason.ALL_FAILED, detail="failed")
    assert (ended_status(gone).kind, ended_status(failed).kind) == (Kind.ERROR, Kind.NORMAL)


def test_an_end_nobody_began_is_told() -> None:
    """A request that never reached the policy still ends in a status."""
    status, told = bar()
    status.record(Ended(request_id=RequestId("r"), result=make_offer(), stages_ms={}))
    assert told[-1].message == "verified: passes 1 of 1 test"
    assert told[-1].command == "plum.explain"


def ended(request: str, reason: AbstentionReason, detail: str) -> Ended:
    """The last event of a request without an offer."""
    result = Abstention(request_id=RequestId(request), reason=reason, detail=detail)
    return Ended(request_id=result.request_id, result=result, stages_ms={})


LATER_FAILED = ended("second", AbstentionReason.ALL_FAILED, "failed")
LATER_TAKEN_BACK = ended("second", AbstentionReason.SUPERSEDED, "")


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (LATER_FAILED, ended("first", AbstentionReason.NO_VALID_CANDIDATE, "none fit")),
        (LATER_TAKEN_BACK, ended("first", AbstentionReason.ALL_FAILED, "failed")),
    ],
    ids=["answered", "taken back"],
)
def test_the_status_is_about_the_latest_request(later: Ended, earlier: Ended) -> None:
    """An earlier one, for another document, may end after it. It counts only if the later one was taken back."""
    status, told = bar()
    for event in (prompted("first"), prompted("second"), later, earlier):
        status.record(event)
    assert [one.message for one in told] == ["sampling", "failed"]


def trouble(reason: AbstentionReason, detail: str) -> Status:
    """What is told of a request that ended so."""
    return ended_status(Abstention(request_id=RequestId("r"), reason=reason, detail=detail))


def test_an_alarm_tells_errors_and_none_twice() -> None:
    """In whatever words; after a while it is told again, though the status is no news: the trouble is still there."""
    now, told = 0.0, list[str]()
    alarm = Alarm(told.append, now=lambda: now)
    status = StatusBar(lambda _: None, hear=alarm.hear)
    for message in ("down, asked again in 8 s", "down, refused request 7", "down, refused request 7"):
        status.show(trouble(AbstentionReason.POLICY_UNAVAILABLE, message))
        status.show(READY)
    last = trouble(AbstentionReason.SANDBOX_UNAVAILABLE, "no sandbox")
    status.show(last)
    status.show(trouble(AbstentionReason.DEADLINE, "slow"))
    assert told == ["down, asked again in 8 s", "no sandbox"]
    status.show(last)
    now = ALARM_SECONDS
    status.show(last)
    assert told[2:] == ["no sandbox"]


async def test_a_request_that_takes_long_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who waits for a long answer sees that it is still being written, and later its end."""
    monkeypatch.setattr(session, "SECONDS_MAX", 0.0)
    opened = asyncio.Event()

    async def answer(request: SuggestionRequest) -> Offer | Abstention:
        await opened.wait()
        return make_offer(hole=Span(start=request.offset, end=request.offset), request_id=request.id)

    bench.answer = answer
    async with Editor.connected(bench.serve) as editor:
        await editor.open("def add(a, b):\n    ‸")
        asking = asyncio.create_task(editor.ask())
        await editor.until(lambda: editor.statuses and "still writing" in editor.status["message"])
        assert editor.status["busy"]
        opened.set()
        assert len(await asking) == 1
        await editor.until(lambda: not editor.status["busy"])


def test_an_alarm_tells_lasting_trouble_and_not_again_as_an_error() -> None:
    """A store that keeps no record is a warning that no request repeats. A slow answer is told by the next one."""
    told: list[str] = []
    alarm = Alarm(told.append, now=lambda: 0.0)
    lasting = "Suggestions cannot be tested: no sandbox"
    alarm.hear(Status(busy=False, kind=Kind.WARNING, message="late", reason=AbstentionReason.DEADLINE))
    alarm.hear(Status(busy=False, kind=Kind.WARNING, message=lasting))
    alarm.hear(Status(busy=False, kind=Kind.ERROR, message="no sandbox", reason=AbstentionReason.SANDBOX_UNAVAILABLE))
    assert told == [lasting]
