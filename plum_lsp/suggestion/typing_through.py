"""Shortens an offer when the user types its beginning. The rest is offered at the new cursor without a request.

Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace

from plum_lsp.domain.suggestion import Offer
from plum_lsp.domain.text import Document, Span

_LINE_END = re.compile(r"\r\n|\r")
"""An offer has plain line ends. The document has those of its file."""


def typed_through(offer: Offer, asked: Document, now: Document, offset: int) -> Offer | None:
    """The rest of `offer`, made for `asked`, after the user typed its beginning. None if anything else changed.

    The offer keeps its id, so it still has one outcome.
    """
    start = offer.hole.start
    typed = _LINE_END.sub("\n", now.text[start:offset])
    is_same = now.text[:start] == asked.text[:start] and now.text[offset:] == asked.text[start:]
    if offset < start or not is_same or not offer.text.startswith(typed) or typed == offer.text:
        return None
    rest = replace(offer.chosen.candidate, text=offer.text[len(typed) :])
    hole = Span(start=offset, end=offset + offer.hole.end - start)
    return replace(offer, hole=hole, chosen=replace(offer.chosen, candidate=rest), alternatives=())
