"""How an offer ended. Values only: the life cycle is `feedback.outcomes`, the facts are kept by `store`."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from plum_lsp.domain.suggestion import OfferId


class OutcomeKind(enum.Enum):
    """What the user did with an offer; see the glossary."""

    ACCEPTED = "accepted"
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
