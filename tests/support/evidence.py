"""Builds the facts that pairs are made of, for tests of the rules. Holds no tests."""

from __future__ import annotations

from plum_lsp.domain.preferences import CandidateFacts, OfferFacts, PromptFacts
from plum_lsp.domain.suggestion import Finish, Tier


def facts(*candidates: CandidateFacts, offers: tuple[OfferFacts, ...] = (), prompt: str = "def f(a):\n") -> PromptFacts:
    """Everything known about one prompt."""
    return PromptFacts(
        prompt_hash="p", prompt=prompt, document_uris=("file:///p/a.py",), candidates=candidates, offers=offers
    )


def right(identity: str = "r", text: str = "return a + b\n", **changes: object) -> CandidateFacts:
    """A candidate that passes three of three tests."""
    return _candidate(identity, text, {"tier": Tier.VERIFIED, "passed": 3, **changes})


def wrong(identity: str = "w", text: str = "return a - b\n", **changes: object) -> CandidateFacts:
    """A candidate that fails one of three tests."""
    return _candidate(identity, text, {"tier": Tier.UNVERIFIED, "passed": 2, **changes})


def _candidate(identity: str, text: str, changes: dict[str, object]) -> CandidateFacts:
    values: dict[str, object] = {
        "request_id": "q",
        "id": identity,
        "version_id": 1,
        "text": text,
        "completion": "    " + text,
        "restored": "    ",
        "fingerprint": text,
        "problem": "",
        "finish": Finish.CUT,
        "tests": 3,
        "timed_out": 0,
        "wall_ms": 1.0,
    }
    return CandidateFacts(**{**values, **changes})  # type: ignore[arg-type]
