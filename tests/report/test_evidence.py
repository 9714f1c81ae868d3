"""What the editor is shown about an offer: nothing in it is markup but what the server itself wrote."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from support.bench import make_offer
from support.markup import AUTOMATIC_LINK, HOSTILE, prose, shapes

from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.quality import Quality
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId, Tier
from plum_lsp.report.evidence import documentation_markdown, documentation_text, evidence_markdown, evidence_text

OURS = {
    *("paragraph_open", "paragraph_close", "inline", "text", "fence", "code_inline", "strong_open", "strong_close"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
}
"""All that our own Markdown is made of."""


def offer_of(text: str) -> Offer:
    """An offer of which every part that comes from elsewhere is the same text."""
    offer = make_offer(text, tier=Tier.CHECKED)
    (verdict,), (test,) = offer.chosen.verdicts, offer.tests
    version = dataclasses.replace(offer.chosen.candidate.policy_version, model=text)
    chosen = dataclasses.replace(
        offer.chosen,
        candidate=dataclasses.replace(offer.chosen.candidate, policy_version=version),
        reason=text,
        verdicts=(dataclasses.replace(verdict, shown=text),),
        quality=Quality(security=(text,), complexity=1, lines=1, slowness=1.0),
    )
    return dataclasses.replace(offer, chosen=chosen, tests=(dataclasses.replace(test, quote=text),))


@settings(deadline=None)
@given(HOSTILE)
def test_no_markup_comes_from_elsewhere(text: str) -> None:
    """Whatever candidate, reason, test, result and model say, the page has our nodes, once each, and no address."""
    page = documentation_markdown(offer_of(text))
    found = shapes(page)
    assert set(found) <= OURS
    assert (found.count("fence"), found.count("strong_open"), found.count("list_item_open")) == (1, 1, 1)
    assert not AUTOMATIC_LINK.search(prose(page))
    assert hidden_characters(page) == frozenset()


@settings(deadline=None)
@given(HOSTILE)
def test_no_line_of_evidence_comes_from_elsewhere(text: str) -> None:
    """In plain text, too, a line that starts at the left is ours: a candidate cannot add a tier of its own."""
    page = documentation_text(offer_of(text))
    mine = [line for line in page.splitlines() if line and not line.startswith(" ")]
    assert [line.partition(" ")[0].rstrip(",") for line in mine] == ["checked:", "complexity"]
    assert hidden_characters(page) == frozenset()


@given(HOSTILE)
def test_an_abstention_holds_no_markup(text: str) -> None:
    """Its detail names files and errors of other programs."""
    told = Abstention(request_id=RequestId("r"), reason=AbstentionReason.DEADLINE, detail=text)
    assert set(shapes(evidence_markdown(told))) <= OURS - {"fence", "strong_open", "bullet_list_open"}
    assert len(evidence_text(told).splitlines()) == 1
