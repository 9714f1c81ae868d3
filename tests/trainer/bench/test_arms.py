"""What each arm believes and trains on."""

from __future__ import annotations

import dataclasses

import pytest

from plum_lsp.domain.errors import ConfigError
from plum_trainer.bench.arms import Labelled, Labels, arm_of, relabelled, rows_of, summary_of
from plum_trainer.data.rows import LabelRow, PairRow, SampledRow


def sample(task: str, text: str, right: float) -> Labelled:
    """A sample with two ids."""
    return Labelled(
        task=task, prompt=task, text=text, ids=(1, 2), logprobs=(-1.0, -0.5), right=right, is_right=right >= 0.5
    )


MIXED = [sample("a", "return 1", 0.9), sample("a", "return 1", 0.9), sample("a", "return 2", 0.1)]
ONE_SIDED = [sample("b", "return 3", 0.8), sample("b", "return 4", 0.7)]


def test_names_of_arms() -> None:
    """Labels stand before the method, and the default method serves where none is named."""
    assert arm_of("cooled", method="kto").cooling < 1.0
    assert arm_of("group", method="kto").method == "group"
    assert arm_of("random", method="kto").name == "random-kto"
    gold = arm_of("gold:sft", method="kto")
    assert (gold.labels, gold.method) == (Labels.GOLD, "sft")
    for name in ("", "random:none", "judged:", "ppo", "kto@", "kto@fast", "kto@2", "cooled@1e-4"):
        with pytest.raises(ConfigError, match="no arm"):
            arm_of(name, method="")


def test_an_arm_may_name_its_learning_rate() -> None:
    """It is in the name, so that arms of several rates have folders of their own."""
    assert (arm_of("group@1e-4", method="kto").rate, arm_of("group", method="kto").rate) == (1e-4, 0.0)
    gold = arm_of("gold:sft@5e-5", method="kto")
    assert (gold.name, gold.method, gold.rate) == ("gold-sft@5e-5", "sft", 5e-5)


def test_a_right_text_stands_against_every_wrong_one() -> None:
    """At most four pairs of a task, each wrong text in one."""
    wrong = [sample("a", f"return {number}", 0.0) for number in range(6)]
    pairs = [row for row in rows_of("dpo", [sample("a", "return x", 1.0), *wrong]) if isinstance(row, PairRow)]
    assert {row.chosen for row in pairs} == {"return x"}
    assert len({row.rejected for row in pairs}) == len(pairs) == 4
    assert rows_of("dpo", wrong) == []


def test_every_method_makes_rows_of_its_own() -> None:
    """Right texts, both kinds, pairs of one task, and samples with advantages that sum to nothing."""
    samples = [*MIXED, *ONE_SIDED]
    texts = {method: rows_of(method, samples) for method in ("sft", "kto", "dpo", "group")}
    assert [row.completion for row in texts["sft"] if isinstance(row, LabelRow)] == ["return 1", "return 3", "return 4"]
    assert [row.is_desirable for row in texts["kto"] if isinstance(row, LabelRow)] == [True, False, True, True]
    (pair,) = texts["dpo"]
    assert isinstance(pair, PairRow)
    assert (pair.chosen, pair.rejected, pair.weight) == ("return 1", "return 2", pytest.approx(0.81))
    advantages = [row.weight for row in texts["group"] if isinstance(row, SampledRow)]
    assert len(advantages) == 3
    assert sum(advantages) == pytest.approx(0.0)
    assert advantages[2] < 0 < advantages[0]


def test_an_arm_may_leave_out_what_no_test_refuted() -> None:
    """A guess counts as wrong for every arm but `tested`."""
    guess = dataclasses.replace(sample("b", "return 5", 0.01), is_guessed=True)
    assert len(rows_of("dpo", relabelled([*ONE_SIDED, guess], Labels.JUDGED, seed=1))) == 1
    assert relabelled([*ONE_SIDED, guess], arm_of("tested:dpo", method="sft").labels, seed=1) == ONE_SIDED


def test_floors_keep_the_texts_and_change_the_labels() -> None:
    """Random labels are as often right as before, and equal texts keep equal labels."""
    inverted = relabelled(MIXED, Labels.INVERTED, seed=1)
    assert [one.is_right for one in inverted] == [False, False, True]
    many = [sample(str(number), "x", float(number % 4 == 0)) for number in range(40)] * 2
    dealt = relabelled(many, Labels.RANDOM, seed=1)
    assert [one.text for one in dealt] == [one.text for one in many]
    assert sum(one.is_right for one in dealt) == sum(one.is_right for one in many) == 20
    assert dealt[:40] == dealt[40:] != many[40:]
    assert relabelled(many, Labels.RANDOM, seed=1) == dealt


def test_how_much_there_is_to_learn() -> None:
    """The base rate counts samples, the mixed share tasks."""
    summary = summary_of([*MIXED, *ONE_SIDED])
    assert summary == {"samples": 5, "base_rate": 0.8, "tasks": 2, "mixed_share": 0.5}
    assert summary_of([])["base_rate"] == 0.0
