"""How an offer ended. Values only. `feedback.outcomes` holds the life cycle, and `store` keeps the facts."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from plum_lsp.domain.suggestion import OfferId, Tier


class OutcomeKind(enum.Enum):
    """What the user did with an offer. See the glossary."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    """Accepted and later changed. `Survival` says how much of it stayed."""
    TYPED_THROUGH = "typed_through"
    """The user typed the whole offer by hand. This shows agreement without the accept key."""
    PARTLY_ACCEPTED = "partly_accepted"
    REJECTED = "rejected"
    """The user said so with a command, or undid the acceptance. The only outcome that counts against an offer."""
    DISMISSED = "dismissed"
    """The user closed it or typed something else. This alone is no judgement."""
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    """Ended without a judgement: by a newer request, or too quickly for the user to have read it."""
    WITHDRAWN = "withdrawn"
    """The server took it back, because later evidence spoke against it."""


class OutcomeSource(enum.Enum):
    """Where an outcome came from: the item's command, an editor notification, or the edits that followed."""

    COMMAND = "command"
    NOTIFICATION = "notification"
    INFERRED = "inferred"


class PairSource(enum.Enum):
    """The kind of evidence behind a preference."""

    VERDICT = "verdict"
    OUTCOME = "outcome"
    EDIT = "edit"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome of an offer. An offer may have several (partly accepted, then accepted). The last one counts.

    `at` is POSIX time in seconds (UTC). `accepted_length` counts code points of the offer's text from its start,
    cumulative, and is None unless the offer was partly accepted. `visible_ms` is how long the offer had been shown. It
    is None if the editor did not report that it was shown. `tier` is the label that was on the screen.
    """

    offer_id: OfferId
    kind: OutcomeKind
    at: float
    source: OutcomeSource
    accepted_length: int | None = None
    visible_ms: float | None = None
    tier: Tier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """How much of an accepted text is still there `after_ms` of editing later.

    `share` is one minus the edit distance divided by the longer length, in [0, 1]. `text` is the text in its place now.
    """

    offer_id: OfferId
    after_ms: int
    share: float
    text: str
    at: float
