"""One table of signs: nothing else writes them, and the plug-in for Neovim shows the same."""

from __future__ import annotations

from pathlib import Path

import plum_lsp
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import VerdictStatus
from plum_lsp.report.marks import TIER, VERDICT, tier_label

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
