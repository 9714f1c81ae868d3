"""A pilot: a comparison of tested suggestions with untested ones, and which of the two a request gets. Pure.

The unit of the assignment is a document on a day. All requests of that unit get the same treatment, so that a user who
asks again sees no mixture, and so that the days of one document can be compared with each other.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

PilotId = NewType("PilotId", int)


class Arm(enum.Enum):
    """How a request is served while a pilot runs."""

    TESTED = "tested"
    """As without a pilot."""
    CONTROL = "control"
    """The first sample is shown as `unverified`. The sandbox does not run before it."""
    OUTSIDE = "outside"
    """As without a pilot, and not compared: the user asked for it, or it is text in a comment or a docstring."""


class Measure(enum.Enum):
    """What a pilot compares, as a share of the suggestions that were shown."""

    KEPT = "kept"
    """Accepted, and at least half of it still there after ten minutes."""
    ACCEPTED = "accepted"
    """Accepted at all."""


class Question(enum.Enum):
    """What a person may be asked in each week of a pilot. Each is answered with 1 (bad) to 5 (good)."""

    TIME = "time"
    TRUST = "trust"
    CALM = "calm"


ANSWER_MIN, ANSWER_MAX = 1, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said to a question in one week of a pilot. `week` counts from 1."""

    week: int
    question: Question
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is decided before a pilot starts.

    `control_share` is in (0, 1). With `is_shadow`, the sample of a control request is tested after it was offered, for
    the record. The pilot succeeds if `measure` is higher by `gain_min` (a share, in [0, 1)) and surely higher at all.
    `effect_min` is the smallest difference that was expected to be seen, None if it was not known. Instants are UTC
    text.
    """

    name: str
    control_share: float
    is_shadow: bool
    measure: Measure
    gain_min: float
    effect_min: float | None
    starts_at: str
    ends_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """A pilot that was started. `key` makes the assignment unpredictable. `stopped_at` is empty unless it was stopped.

    All instants are UTC text.
    """

    id: PilotId
    key: str
    plan: Plan
    stopped_at: str = ""

    @property
    def over_at(self) -> str:
        """When it is or was over: at the planned time, or earlier if it was stopped."""
        return min(filter(None, (self.plan.ends_at, self.stopped_at)))


def week_of(pilot: Pilot, now: str) -> int:
    """The week of a pilot at an instant (UTC text), from 1. After its end it is the last one."""
    starts = datetime.fromisoformat(pilot.plan.starts_at)
    until = min(datetime.fromisoformat(now), datetime.fromisoformat(pilot.over_at) - timedelta(microseconds=1))
    return 1 + max(0, (until - starts) // timedelta(weeks=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The treatment of one request in a running pilot."""

    pilot: PilotId
    name: str
    arm: Arm
    is_shadow: bool

    @property
    def is_control(self) -> bool:
        """Whether the request is served without tests."""
        return self.arm is Arm.CONTROL

    @property
    def why_untested(self) -> str:
        """Why a control candidate did not run, in words."""
        return f"the pilot {self.name} shows it without tests"


def arm_of(pilot: Pilot, document_uri: str, day: str) -> Arm:
    """The arm of a document on a UTC date: control, with the probability that the pilot's plan gives it.

    It is a keyed BLAKE2b hash (RFC 7693), read as a number in [0, 1). Equal inputs give equal arms.
    """
    unit = f"{day}\n{document_uri}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(unit, key=pilot.key.encode()[: hashlib.blake2b.MAX_KEY_SIZE], digest_size=8).digest()
    return Arm.CONTROL if int.from_bytes(digest) < pilot.plan.control_share * 2**64 else Arm.TESTED


def assignment(pilot: Pilot, document_uri: str, day: str, *, is_asked: bool) -> Assignment:
    """The treatment of a request on a UTC date. A user who asks for a suggestion gets a tested one."""
    arm = Arm.OUTSIDE if is_asked else arm_of(pilot, document_uri, day)
    return Assignment(pilot=pilot.id, name=pilot.plan.name, arm=arm, is_shadow=pilot.plan.is_shadow)
