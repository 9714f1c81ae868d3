"""Which pairs and labels are trained on: fresh ones, of files that are not held out, balanced, weighted and mixed."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest

from plum_lsp.config import LearningSettings
from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.learning import PairSource
from plum_lsp.domain.preferences import StoredLabel, StoredPair, Written
from plum_trainer.data.dataset import Freshness, Sides, is_held_out, label_rows, pair_rows, right_rows
from plum_trainer.data.rows import LabelRow

FRESH = Freshness(version=3, base_sha256="base", staleness_max=1)
NONE_HELD_OUT = LearningSettings(held_out_share=0.0)
ALL = Sides(share=0.0, place=str)


def label(
    number: int, *, is_desirable: bool = True, version: int = 3, weight: float = 1.0, base: str = "base"
) -> StoredLabel:
    """A label of a file of its own."""
    return StoredLabel(
        id=number,
        rule=2,
        prompt_hash=str(number),
        prompt="p",
        document_uri=f"file:///{number}.py",
        policy_number=version,
        base_sha256=base,
        weight=weight,
        is_desirable=is_desirable,
        written=Written(middle=f"text {number}", ends=True),
    )


def pair(number: int, source: PairSource = PairSource.VERDICT) -> StoredPair:
    """A pair of a file of its own."""
    return StoredPair(
        id=number,
        rule=1,
        source=source,
        prompt_hash=str(number),
        prompt="p",
        document_uri=f"file:///{number}.py",
        policy_number=3,
        base_sha256="base",
        weight=1.0,
        distance=0.1,
        chosen=Written(middle="good", ends=True),
        rejected=Written(middle="bad", ends=True),
    )


@pytest.mark.parametrize(
    ("version", "base", "is_kept"),
    [(3, "base", True), (2, "base", True), (1, "base", False), (4, "base", False), (3, "other", False)],
)
def test_only_fresh_candidates_are_on_policy(version: int, base: str, is_kept: bool) -> None:
    """Older ones, later ones (after a roll back) and those of another base are counted and left out."""
    dataset = label_rows([label(1, version=version, base=base)], NONE_HELD_OUT, FRESH, ALL, seed=0)
    assert dataset.counts.get("stale", 0) == (not is_kept)


def test_a_file_is_on_one_side_for_good() -> None:
    """Which one follows from its name; about the asked share is held out, and none of it is trained on."""
    uris = [f"file:///{number}.py" for number in range(2000)]
    held = {uri for uri in uris if is_held_out(uri, 0.2)}
    assert 0.15 < len(held) / len(uris) < 0.25
    assert held == {uri for uri in reversed(uris) if is_held_out(uri, 0.2)}
    dataset = pair_rows(
        [pair(number) for number in range(2000)], LearningSettings(), FRESH, Sides(share=0.2, place=str), seed=0
    )
    assert dataset.counts["held_out"] == len(held)
    assert len(dataset.rows) == 2000 - len(held)


def test_a_heavy_imbalance_is_thinned() -> None:
    """KTO goes astray with forty of one kind for each of the other."""
    labels = [label(number, is_desirable=number < 5) for number in range(200)]
    dataset = label_rows(labels, NONE_HELD_OUT, FRESH, ALL, seed=0)
    assert (dataset.counts["desirable"], dataset.counts["undesirable"]) == (5, 20)
    assert dataset.counts["imbalance_left_out"] == 175


def test_right_texts_need_no_wrong_ones(tmp_path: Path) -> None:
    """What is imitated holds no undesirable text, also of replayed pairs, and functions with wrong texts alone do not
    count."""
    replay = tmp_path / "replay.jsonl"
    replay.write_text(json.dumps({"prompt": "p", "chosen": "good", "rejected": "bad"}) + "\n")
    settings = dataclasses.replace(NONE_HELD_OUT, replay_file=str(replay), replay_share=0.5)
    labels = [label(number, is_desirable=number < 5) for number in range(40)]
    dataset = right_rows(labels, settings, FRESH, ALL, seed=0)
    kinds = [row.is_desirable for row in dataset.rows if isinstance(row, LabelRow)]
    assert kinds == [True] * 6
    assert (dataset.counts["functions"], dataset.counts["undesirable"]) == (5, 0)
    assert {row.completion for row in dataset.rows if isinstance(row, LabelRow) and row.source == "replay"} == {"good"}
    assert len(right_rows(labels[:5], NONE_HELD_OUT, FRESH, ALL, seed=0).rows) == 5


def test_user_pairs_are_mixed_in_up_to_their_share() -> None:
    """Kept apart from correctness: a setting says how much they count."""
    pairs = [pair(number, PairSource.VERDICT if number < 30 else PairSource.OUTCOME) for number in range(90)]
    dataset = pair_rows(pairs, NONE_HELD_OUT, FRESH, ALL, seed=0)
    sources = Counter(row.source for row in dataset.rows)
    assert sources == {"verdict": 30, "outcome": 10}
    assert dataset.counts["user_pairs_left_out"] == 50


def test_user_labels_are_mixed_in_up_to_their_share() -> None:
    """They train the default method. Without other labels all of them do."""
    users = [dataclasses.replace(label(number, is_desirable=bool(number % 2)), rule=6) for number in range(60)]
    judged = [label(100 + number, is_desirable=bool(number % 2)) for number in range(30)]
    dataset = label_rows([*users, *judged], NONE_HELD_OUT, FRESH, ALL, seed=0)
    assert Counter(row.source for row in dataset.rows) == {"verdict": 30, "user": 10}
    assert dataset.counts["user_labels_left_out"] == 50
    assert len(label_rows(users, NONE_HELD_OUT, FRESH, ALL, seed=0).rows) == 60


def test_functions_are_counted_once() -> None:
    """However many prompts ask for them."""
    codes = {str(number): f"def f{number % 3}(a):\n" for number in range(12)}
    sides = dataclasses.replace(ALL, codes=codes)
    assert (
        label_rows([label(number) for number in range(12)], NONE_HELD_OUT, FRESH, sides, seed=0).counts["functions"]
        == 3
    )


def test_every_pair_is_seen_once() -> None:
    """Whatever its weight. The weight counts in the loss."""
    weights = [1.0, 0.1, 0.5, 0.01]
    pairs = [dataclasses.replace(pair(number), weight=weight) for number, weight in enumerate(weights)]
    rows = pair_rows(pairs, NONE_HELD_OUT, FRESH, ALL, seed=3).rows
    assert sorted(row.weight for row in rows) == sorted(weights)


def test_replayed_rows_are_mixed_in(tmp_path: Path) -> None:
    """At the share that is asked for; a pair serves labels twice."""
    file = tmp_path / "own.jsonl"
    lines = [{"prompt": "p", "completion": "mine"}, {"prompt": "p", "chosen": "good", "rejected": "bad"}]
    file.write_text("\n".join(json.dumps(line) for line in lines * 10))
    settings = LearningSettings(held_out_share=0.0, replay_file=str(file), replay_share=0.5)
    labels = [label(number, is_desirable=bool(number % 2)) for number in range(12)]
    dataset = label_rows(labels, settings, FRESH, ALL, seed=0)
    assert Counter(row.source for row in dataset.rows) == {"verdict": 12, "replay": 12}


@pytest.mark.parametrize("line", ["{", "[]", '{"prompt": 1, "completion": ""}', '{"prompt": "p"}'])
def test_a_replay_file_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    """With the line, before anything is trained."""
    file = tmp_path / "own.jsonl"
    file.write_text(line)
    settings = LearningSettings(held_out_share=0.0, replay_file=str(file))
    with pytest.raises(ConfigError, match=r"own\.jsonl"):
        pair_rows([pair(1)], settings, FRESH, ALL, seed=0)
