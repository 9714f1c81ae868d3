"""What the status bar says, from the events of the pipeline. Decides on values; sending is the `tell` it is given.

Follows Copilot's language server: `didChangeStatus {busy, kind, message, command?}`. An editor that does not say
that it shows it gets an `Alarm` instead: some warn the user of each message that they do not know.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Sampled, Supported, Synthesized, Verified
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId
from plum_lsp.project.workspace import Standing, Trust

METHOD = "didChangeStatus"
EXPLAIN = "plum.explain"
"""The command that a status about a suggestion carries: it tells the evidence, or the reason for none."""


class Kind(enum.Enum):
    """How well plum-lsp is; the names are Copilot's."""

    NORMAL = "Normal"
    WARNING = "Warning"
    ERROR = "Error"
    INACTIVE = "Inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One line for the user. `command` is what a click on it runs, empty for nothing. `reason`: of an abstention."""

    busy: bool
    kind: Kind
    message: str
    command: str = ""
    reason: AbstentionReason | None = field(default=None, compare=False)


TRUST = "plum.trust"
"""The command that a status about a folder which is not trusted carries: it trusts the folder."""

READY = Status(busy=False, kind=Kind.NORMAL, message="ready")
STARTING = Status(busy=True, kind=Kind.NORMAL, message="starting")
PAUSED = Status(busy=False, kind=Kind.INACTIVE, message="paused")

_KINDS = {
    AbstentionReason.POLICY_UNAVAILABLE: Kind.ERROR,
    AbstentionReason.SANDBOX_UNAVAILABLE: Kind.ERROR,
    AbstentionReason.SANDBOX_FAILED: Kind.ERROR,
    AbstentionReason.DEADLINE: Kind.WARNING,
    AbstentionReason.PAUSED: Kind.INACTIVE,
    AbstentionReason.EXCLUDED: Kind.INACTIVE,
}
"""Reasons not listed are no trouble: plum-lsp is well and chose to be silent."""

ALARM_SECONDS = 300.0
"""The same kind of trouble is not told again sooner: each pause in typing would tell of a policy that is down."""

REQUESTS_REMEMBERED_MAX = 32
"""Requests whose end was never recorded must not pile up; editors have fewer in flight."""


class Alarm:
    """Trouble in words, for editors without a status line: what is no error is not worth a message."""

    def __init__(self, tell: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._told_at: dict[AbstentionReason | None, float] = {}

    def hear(self, status: Status) -> None:
        """Tell an error, unless one of its kind was told lately, in whatever words."""
        if status.kind is not Kind.ERROR:
            return
        now, told_at = self._now(), self._told_at.get(status.reason)
        if told_at is None or now - told_at >= ALARM_SECONDS:
            self._told_at[status.reason] = now
            self._tell(status.message)


@dataclass(slots=True, kw_only=True)
class _Progress:
    group: int
    tests: int = 0
    sampled: int = 0
    judged: int = 0
    same: int = 0


class StatusBar:
    """A recorder that keeps the editor's status line: each change is told once. Never raises.

    `hear` gets every status, those that are no change, too.
    """

    def __init__(self, tell: Callable[[Status], None], *, hear: Callable[[Status], None] | None = None) -> None:
        self._tell = tell
        self._hear = hear
        self._last: Status | None = None
        self._progress: dict[RequestId, _Progress] = {}

    @property
    def last(self) -> Status | None:
        """What was told last; None if nothing was yet."""
        return self._last

    def show(self, status: Status) -> None:
        """Tell a status, unless it is the one already shown."""
        if self._hear is not None:
            self._hear(status)
        if status != self._last:
            self._last = status
            self._tell(status)

    def show_idle(self, status: Status) -> None:
        """Tell a status that is about no request, unless one is under way and has more to say."""
        if not self._progress:
            self.show(status)

    def record(self, event: Event) -> None:
        """Tell what an event means for the user, if anything; what was under way when offers were paused is over."""
        if isinstance(event, Ended):
            self.show_end(event.result)
            return
        if isinstance(event, Appraised | Supported) or self._last == PAUSED:
            return  # the answer is moments away, or nobody wants one
        progress = self._advance(event)
        if progress is not None:
            self.show(Status(busy=True, kind=Kind.NORMAL, message=_message(progress)))

    def show_end(self, result: Offer | Abstention) -> None:
        """Tell how a request ended, unless another one is under way and has more to say, or offers are paused."""
        self._progress.pop(result.request_id, None)
        if self._last != PAUSED:
            self.show_idle(ended_status(result))

    def _advance(self, event: Prompted | Synthesized | Sampled | Verified) -> _Progress | None:
        if isinstance(event, Prompted):
            while len(self._progress) >= REQUESTS_REMEMBERED_MAX:
                self._progress.pop(next(iter(self._progress)))
            progress = _Progress(group=len(event.options.temperatures))
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
    """That all is well and, where a project is not trusted, what trusting it would change."""
    if standing is None or standing.trust is Trust.TRUSTED or not standing.project.is_marked:
        return READY
    message = (
        f"ready, without the packages, modules and tests of {standing.project.top.name}: {standing.reason}. "
        "Trust the folder to have suggestions tested with them"
    )
    return replace(READY, message=message, command="" if standing.trust is Trust.REFUSED else TRUST)


def ended_status(result: Offer | Abstention) -> Status:
    """What the end of a request tells."""
    if isinstance(result, Offer):
        message = f"{result.chosen.tier.value}: {result.chosen.reason}"
        return Status(busy=False, kind=Kind.NORMAL, message=message, command=EXPLAIN)
    if result.reason is AbstentionReason.SUPERSEDED:
        return READY
    kind = _KINDS.get(result.reason, Kind.NORMAL)
    return Status(busy=False, kind=kind, message=result.detail, command=EXPLAIN, reason=result.reason)
