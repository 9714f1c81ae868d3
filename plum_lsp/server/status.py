"""Turns the events of the pipeline into the line of the status bar. It decides on values. `tell` sends the line.

The format follows Copilot's language server: `didChangeStatus {busy, kind, message, command?}`. An editor that does not
announce support for it gets an `Alarm` instead, because some editors warn the user of each unknown message.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from plum_lsp.domain import display
from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Revised, Sampled, Supported, Synthesized, Verified
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId
from plum_lsp.project.workspace import Standing, Trust
from plum_lsp.report.installation import as_typed_here

METHOD = "didChangeStatus"
EXPLAIN = "plum.explain"
"""The command in a status about a suggestion. It shows the evidence, or why there is no suggestion."""


class Kind(enum.Enum):
    """The health of plum-lsp. The names are Copilot's."""

    NORMAL = "Normal"
    WARNING = "Warning"
    ERROR = "Error"
    INACTIVE = "Inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One line for the user. A click on it runs `command`, unless that is empty. `reason` is set for an abstention."""

    busy: bool
    kind: Kind
    message: str
    command: str = ""
    reason: AbstentionReason | None = field(default=None, compare=False)


_TITLES = {EXPLAIN: "plum: why?", "plum.trust": "plum: trust the folder"}


def as_params(status: Status) -> dict[str, object]:
    """The parameters of the notification. docs/protocol.md documents them."""
    params: dict[str, object] = {
        "busy": status.busy,
        "kind": status.kind.value,
        "message": display.message(as_typed_here(status.message)),
    }
    if status.command:
        params["command"] = {"title": _TITLES[status.command], "command": status.command}
    if status.reason is not None:
        params["result"] = "none"
    return params


TRUST = "plum.trust"
"""The command in a status about an untrusted folder. It trusts the folder."""

READY = Status(busy=False, kind=Kind.NORMAL, message="ready")
STARTING = Status(busy=True, kind=Kind.NORMAL, message="starting")
SLOW = Status(busy=True, kind=Kind.NORMAL, message="still writing: a long answer takes this model a while")
"""What a request says that takes longer than people wait without a sign."""
PAUSED = Status(busy=False, kind=Kind.INACTIVE, message="paused")

_KINDS = {
    AbstentionReason.POLICY_UNAVAILABLE: Kind.ERROR,
    AbstentionReason.SANDBOX_UNAVAILABLE: Kind.ERROR,
    AbstentionReason.SANDBOX_FAILED: Kind.ERROR,
    AbstentionReason.INTERNAL_ERROR: Kind.ERROR,
    AbstentionReason.DEADLINE: Kind.WARNING,
    AbstentionReason.PAUSED: Kind.INACTIVE,
    AbstentionReason.EXCLUDED: Kind.INACTIVE,
}
"""Reasons that are not listed are no trouble. plum-lsp works and chose to make no offer."""

ALARM_SECONDS = 300.0
"""The shortest time between two reports of one kind of trouble. Otherwise each pause in typing would report it."""

REQUESTS_REMEMBERED_MAX = 32
"""Bounds the requests whose end was never recorded. Editors have fewer in flight."""


class Alarm:
    """Shows trouble as a message in editors without a status line: errors, and warnings that are about no request."""

    def __init__(self, tell: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._told: dict[AbstentionReason | None, tuple[float, str]] = {}

    def hear(self, status: Status) -> None:
        """Report trouble, unless its text, or trouble of its kind even with another text, was reported lately."""
        is_lasting = status.kind is Kind.WARNING and status.reason is None
        if status.kind is not Kind.ERROR and not is_lasting:
            return
        now = self._now()
        lately = {reason: text for reason, (at, text) in self._told.items() if now - at < ALARM_SECONDS}
        if status.reason not in lately and not any(status.message in text for text in lately.values()):
            self._told[status.reason] = now, status.message
            self._tell(status.message)


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a request is. `number` counts the requests in the order in which they began."""

    number: int
    group: int
    tests: int = 0
    sampled: int = 0
    judged: int = 0
    same: int = 0


class StatusBar:
    """A recorder that keeps the editor's status line. It reports each change once. It never raises.

    Of several requests, it reports the one that began last. `hear` gets every status, even one that is no change.
    """

    def __init__(self, tell: Callable[[Status], None], *, hear: Callable[[Status], None] | None = None) -> None:
        self._tell = tell
        self._hear = hear
        self._last: Status | None = None
        self._progress: dict[RequestId, _Progress] = {}
        self._begun = 0
        self._told_number = 0
        """The request that began last of those whose end was reported."""

    @property
    def last(self) -> Status | None:
        """The latest status. None if there was none yet."""
        return self._last

    def show(self, status: Status) -> None:
        """Send a status, unless it is already shown."""
        if self._hear is not None:
            self._hear(status)
        if status != self._last:
            self._last = status
            self._tell(status)

    def show_idle(self, status: Status) -> None:
        """Send a status that is about no request, unless a request is running and its status matters more."""
        if not self._progress:
            self.show(status)

    def record(self, event: Event) -> None:
        """Send the status that an event implies, if any. A pause of offers has ended the requests that were running."""
        if isinstance(event, Ended):
            self.show_end(event.result)
            return
        if isinstance(event, Appraised | Supported | Revised) or self._last == PAUSED:
            return  # the answer comes soon, or it is no longer wanted
        progress = self._advance(event)
        if progress is not None and progress.number == self._reported:
            self.show(Status(busy=True, kind=Kind.NORMAL, message=_message(progress)))

    def show_end(self, result: Offer | Abstention) -> None:
        """Send how a request ended, unless a later request is running or was reported, or offers are paused."""
        progress, status = self._progress.pop(result.request_id, None), ended_status(result)
        if self._last == PAUSED or (progress is not None and progress.number < self._reported):
            return
        if progress is None or status == READY:
            self.show_idle(status)
        else:
            self._told_number = progress.number
            self.show(status)

    @property
    def _reported(self) -> int:
        """The number of the request that the status is about."""
        return max([self._told_number, *(one.number for one in self._progress.values())])

    def _advance(self, event: Prompted | Synthesized | Sampled | Verified) -> _Progress | None:
        if isinstance(event, Prompted):
            while len(self._progress) >= REQUESTS_REMEMBERED_MAX:
                self._progress.pop(next(iter(self._progress)))
            self._begun += 1
            progress = _Progress(number=self._begun, group=len(event.options.temperatures))
            self._progress[event.request.id] = progress
            return progress
        known = self._progress.get(event.request_id)
        if known is None:
            return None
        match event:
            case Synthesized(tests=tests):
                known.tests = len(tests)
            case Sampled(duplicate_of=duplicate_of):
                known.sampled += 1
                known.same += duplicate_of is not None
            case Verified():
                known.judged = min(known.judged + 1, known.sampled)
        return known


def _message(progress: _Progress) -> str:
    if not progress.sampled:
        return "sampling"
    verb = "testing" if progress.tests else "checking"
    return f"{verb} {min(progress.judged + progress.same, progress.group)}/{progress.group}"


def ready_status(standing: Standing | None) -> Status:
    """The status when all is well. For an untrusted project, it also says what trust would change."""
    if standing is None or standing.trust is Trust.TRUSTED or not standing.project.is_marked:
        return READY
    message = (
        f"ready, without the packages, modules and tests of {standing.project.top.name}: {standing.reason}. "
        "Trust the folder to have suggestions tested with them"
    )
    return replace(READY, message=message, command="" if standing.trust is Trust.REFUSED else TRUST)


def ended_status(result: Offer | Abstention) -> Status:
    """The status for the end of a request."""
    if isinstance(result, Offer):
        message = f"{result.chosen.tier.value}: {result.chosen.reason}"
        return Status(busy=False, kind=Kind.NORMAL, message=message, command=EXPLAIN)
    if result.reason is AbstentionReason.SUPERSEDED:
        return READY
    kind = _KINDS.get(result.reason, Kind.NORMAL)
    return Status(busy=False, kind=kind, message=result.detail, command=EXPLAIN, reason=result.reason)
