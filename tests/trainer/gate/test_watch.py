"""Whether a published version stays: like is compared with like, by request, and equal versions stay."""

from __future__ import annotations

import dataclasses
import random

import pytest

from plum_lsp.config import GateSettings
from plum_lsp.store.learning import ServedRequest
from plum_trainer.gate.watch import Trial, Watch, watched

TRIAL = Trial(version=2, previous=1, base_sha256="base", published_at="2026-01-02", is_shared=False)
BEFORE, AFTER = "2026-01-01", "2026-01-03"


def served(
    version: int,
    count: int = 60,
    *,
    at: str = "",
    passing: float = 0.5,
    kept: float = 0.6,
    ms: float = 100.0,
    base: str = "base",
    temperatures: str = "[0.2]",
    shown: bool = True,
) -> list[ServedRequest]:
    """Requests that a version answered, of which a share pass all candidates and the others none."""
    return [
        ServedRequest(
            policy_number=version,
            base_sha256=base,
            temperatures=temperatures,
            asked_at=at or (AFTER if version == 2 else BEFORE),
            candidates_run=8,
            candidates_passing=8 if place < passing * count else 0,
            first_token_ms=ms,
            characters_offered=100 if shown else 0,
            characters_kept=100.0 * kept if shown else 0.0,
        )
        for place in range(count)
    ]


def decision(new: list[ServedRequest], old: list[ServedRequest], *, hours: float = 1.0, trial: Trial = TRIAL) -> Watch:
    """What the watch does."""
    return watched([*old, *new], trial, GateSettings(), hours=hours).action


@pytest.mark.parametrize(
    ("new", "action"),
    [
        (served(2), Watch.KEEP),
        (served(2, 3), Watch.WAIT),
        (served(2, shown=False), Watch.WAIT),
        (served(2, passing=0.0), Watch.ROLL_BACK),
        (served(2, kept=0.1), Watch.ROLL_BACK),
        (served(2, ms=400.0), Watch.ROLL_BACK),
        (served(2, ms=140.0), Watch.KEEP),
        (served(2, 10, passing=0.0), Watch.WAIT),
        ([], Watch.WAIT),
    ],
)
def test_a_new_version_is_watched(new: list[ServedRequest], action: Watch) -> None:
    """It stays unless pass rate, kept characters or latency got worse beyond doubt."""
    assert decision(new, served(1)) is action


@pytest.mark.parametrize(
    "other",
    [
        served(1, base="another", passing=1.0),
        served(1, temperatures="[0.8]", passing=1.0),
        served(1, at=AFTER, passing=1.0),
        served(0, passing=1.0),
    ],
    ids=["base", "temperatures", "time", "version"],
)
def test_only_like_is_compared_with_like(other: list[ServedRequest]) -> None:
    """Requests of another base model, at other temperatures, of another time or of a third version do not count."""
    assert decision(served(2, passing=0.3), served(1, passing=0.3)) is Watch.KEEP
    assert decision(served(2, passing=0.3), [*other, *served(1, passing=0.3)]) is Watch.KEEP
    assert (
        decision(
            served(2, passing=0.3),
            [
                dataclasses.replace(one, policy_number=1, base_sha256="base", temperatures="[0.2]", asked_at=BEFORE)
                for one in other
            ],
        )
        is Watch.ROLL_BACK
    )


def test_versions_that_share_the_requests_are_compared_over_the_same_time() -> None:
    """What the version before did earlier does not count then."""
    shared = dataclasses.replace(TRIAL, is_shared=True)
    old = [*served(1, passing=1.0), *served(1, at=AFTER, passing=0.3)]
    assert decision(served(2, passing=0.3), old, trial=shared) is Watch.KEEP
    assert decision(served(2, passing=0.3), served(1, at=AFTER, passing=1.0), trial=shared) is Watch.ROLL_BACK


def test_a_version_that_is_not_used_is_not_watched_for_ever() -> None:
    """After a week without a complaint it stays."""
    assert decision([], served(1), hours=200.0) is Watch.KEEP


def test_an_equal_version_stays_at_every_look() -> None:
    """200 requests, looked at after every fifth one, forty times over: no more than one in twenty is rolled back."""
    chance, wrong = random.Random(7), 0
    for _ in range(40):
        old, new = (
            [
                dataclasses.replace(
                    one,
                    candidates_passing=chance.choice((0, 0, 3, 8)),
                    characters_kept=chance.choice((0.0, 60.0, 100.0)),
                    first_token_ms=chance.lognormvariate(5, 0.5),
                )
                for one in served(version, 200)
            ]
            for version in (1, 2)
        )
        settings = GateSettings(watch_offers_min=10_000)
        actions = (watched([*old, *new[:count]], TRIAL, settings, hours=1.0).action for count in range(5, 201, 5))
        wrong += Watch.ROLL_BACK in actions
    assert wrong <= 2
