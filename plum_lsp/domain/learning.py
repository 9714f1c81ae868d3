"""How an offer ended. Values only: the life cycle is `feedback.outcomes`, the facts are kept by `store`."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from plum_lsp.domain.suggestion import OfferId


class OutcomeKind(enum.Enum):
    """What the user did with an offer; see the glossary."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    """Accepted, and then not left as it was: `Survival` says how much of it stayed."""
    TYPED_THROUGH = "typed_through"
    """The user typed what was offered, to its end: agreement without a key that accepts."""
    PARTLY_ACCEPTED = "partly_accepted"
    DISMISSED = "dismissed"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    """Ended by something that is no judgement: a newer request, or an end too quick for anybody to have read it."""


class OutcomeSource(enum.Enum):
    """Who said so: the item's command, a notification of the editor, or we from the edits that followed."""

    COMMAND = "command"
    NOTIFICATION = "notification"
    INFERRED = "inferred"


class PairSource(enum.Enum):
    """What a preference rests on."""

    VERDICT = "verdict"
    OUTCOME = "outcome"
    EDIT = "edit"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One thing that became of an offer. An offer may have several (partly accepted, then accepted): the last counts.

    `at` is POSIX time in seconds (UTC). `accepted_length` counts code points of the offer's text from its start,
    cumulative, and is None unless the offer was partly accepted. `visible_ms` is how long the offer had been
    shown, None if nobody said it was.
    """

    offer_id: OfferId
    kind: OutcomeKind
    at: float
    source: OutcomeSource
    accepted_length: int | None = None
    visible_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """How much of an accepted text is still there `after_ms` of editing later.

    `share` is one less the edit distance over the longer length, in [0, 1]; `text` is what stands in its place now.
    """

    offer_id: OfferId
    after_ms: int
    share: float
    text: str
    at: float
