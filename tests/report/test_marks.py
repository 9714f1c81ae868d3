"""One table of signs: nothing else writes them, and the plug-in for Neovim shows the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.bench import make_offer

import plum_lsp
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Call, Origin, Shows, TestCase, TestId, VerdictStatus
from plum_lsp.report.marks import TIER, VERDICT, offer_label, tier_label

PACKAGE = Path(str(plum_lsp.__file__)).parent
SIGNS = "✓✗⏱▲≈"


def test_every_verdict_and_tier_has_a_sign_of_its_own() -> None:
    """A reader tells them apart."""
    assert set(VERDICT) == set(VerdictStatus)
    assert set(TIER) == set(Tier)
    assert len({mark.sign for mark in VERDICT.values()}) == len(VERDICT)
    assert len({mark.sign for mark in TIER.values()}) == len(TIER)


def test_signs_are_written_in_the_table_only() -> None:
    """A sign that changes changes everywhere."""
    written = [path.name for path in PACKAGE.rglob("*.py") if any(sign in path.read_text("utf-8") for sign in SIGNS)]
    assert written == ["marks.py"]


def test_neovim_shows_the_same_tiers() -> None:
    """Its plug-in draws them itself."""
    drawn = (PACKAGE.parent / "editor-clients/neovim/lua/plum/draw.lua").read_text("utf-8")
    assert all(f"{tier.value} = {{ '{tier_label(tier)}'" in drawn for tier in Tier)


def test_a_computed_result_is_labelled_so() -> None:
    """In a menu and in Neovim."""
    offer = make_offer("3")
    assert offer_label(offer) == tier_label(offer.chosen.tier)
    test = TestCase(
        id=TestId("computed"),
        call=Call(expression="f()", setup=""),
        expectation=Shows(text="3"),
        origin=Origin.COMPUTED,
        quote=">>> f()",
    )
    label = offer_label(replace(offer, tests=(test,)))
    assert label == f"{TIER[Tier.CHECKED].sign} computed"
    assert label in (PACKAGE.parent / "editor-clients/neovim/lua/plum/draw.lua").read_text("utf-8")
