"""What the trainer decides: when a round begins, whether a challenger is promoted, and how its data are weighed."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from plum_lsp.config import GateSettings, TrainerSettings
from plum_trainer.fit.job import FitJob
from plum_trainer.fit.losses import kind_weights
from plum_trainer.fit.train import with_less_memory
from plum_trainer.gate.decision import GateDecision, decide, decision_of
from plum_trainer.gate.measures import Measures, Sample, gain, measured
from plum_trainer.loop.schedule import Situation, is_within, why_not

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
READY = Situation(
    now=NOW,
    last_round_at=None,
    fresh_candidates=1000,
    load=0.1,
    is_paused=False,
    is_unfinished=False,
    is_on_trial=False,
)


def test_a_round_begins_when_there_is_enough_to_learn_and_time() -> None:
    """Nothing stands against it."""
    assert why_not(READY, TrainerSettings()) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_paused": True}, "paused"),
        ({"load": 3.0}, "busy"),
        ({"fresh_candidates": 3}, "3 of 400"),
        ({"last_round_at": NOW - timedelta(hours=2)}, "next round"),
        ({"is_on_trial": True}, "still being watched"),
    ],
)
def test_a_round_waits(changes: dict[str, object], reason: str) -> None:
    """And says what for."""
    assert reason in why_not(dataclasses.replace(READY, **changes), TrainerSettings())  # type: ignore[arg-type]


def test_given_hours_count_instead_of_idleness() -> None:
    """Who names hours has decided."""
    settings = TrainerSettings(hours="22-6")
    assert "hours" in why_not(READY, settings)
    assert why_not(dataclasses.replace(READY, now=NOW.replace(hour=23), load=9.0), settings) == ""
    assert [hour for hour in range(24) if is_within(hour, "22-2")] == [0, 1, 22, 23]


def test_an_interrupted_round_needs_no_new_evidence() -> None:
    """It goes on as soon as there is time."""
    situation = dataclasses.replace(READY, fresh_candidates=0, last_round_at=NOW, is_unfinished=True)
    assert why_not(situation, TrainerSettings()) == ""


def measures(rate: float, *, functions: int = 20, **changes: object) -> Measures:
    """A policy that passes every function at about this rate."""
    rates = {str(n): min(1.0, max(0.0, rate + (0.05 if n % 2 else -0.05))) for n in range(functions)}
    made = Measures(
        pass_by_function=rates,
        offers_by_function=dict.fromkeys(rates, 0.5),
        reach_by_function=dict.fromkeys(rates, 0.8),
        ending_share=0.9,
        mean_length=80.0,
        duplicated_lines=0.05,
        diversity=0.8,
        right_length_by_prompt=dict.fromkeys(rates, 80.0),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


CHAMPION = measures(0.4)


def judge(challenger: Measures, *, cooled: Measures = CHAMPION, look: int = 1) -> GateDecision:
    """The decision on a challenger of a champion that passes .4."""
    return decide(CHAMPION, challenger, cooled, GateSettings(), look=look, seed=1)


def sample(prompt: str, text: str = "x", *, passes: bool = True) -> Sample:
    """A sample of the editor's ladder, of the function that is called as its prompt."""
    return Sample(prompt_id=prompt, function=prompt, text=text, ends=True, passes=passes)


def test_who_rambles_less_where_it_is_wrong_does_not_drift() -> None:
    """Lengths are those of what passes, on prompts that both solve."""
    longer = [sample("a", "x" * 300, passes=False)]
    right = [sample("a", "x" * 30)]
    assert measured([*right, *longer]).right_length_by_prompt == {"a": 30.0}
    assert measured(longer).right_length_by_prompt == {}
    assert judge(measures(0.6, mean_length=20.0, right_length_by_prompt={"0": 75.0, "new": 400.0})).is_promoted


def test_the_better_one_is_promoted() -> None:
    """Surely better, and in nothing worse."""
    decision = judge(measures(0.6))
    assert decision.is_promoted, decision.reasons
    assert decision.report.gain.low > 0


def test_a_decision_is_read_as_it_was_written() -> None:
    """From the JSON text of the round's folder and of the history."""
    decision = judge(measures(0.6))
    assert decision_of(json.loads(json.dumps(decision.as_json()))) == decision


@pytest.mark.parametrize(
    ("name", "value"),
    [("champion", [0.4]), ("gain", {"mean": 0.1}), ("functions", "20"), ("look", None), ("chance_allowed", True)],
)
def test_a_damaged_report_is_refused(name: str, value: object) -> None:
    """The message names what is wrong."""
    values = judge(measures(0.6)).as_json()
    report = values["report"]
    assert isinstance(report, dict)
    with pytest.raises(ValueError, match=f"{name}|low must be"):
        decision_of({**values, "report": {**report, name: value}})


def test_right_offers_promote_as_well() -> None:
    """A group may end in a better offer although single samples do not pass more often."""
    assert judge(measures(0.4, offers_by_function=dict.fromkeys(CHAMPION.pass_by_function, 0.9))).is_promoted


@pytest.mark.parametrize(
    ("challenger", "reason"),
    [
        (measures(0.4), "not surely better"),
        (measures(0.3), "not surely better"),
        (measures(0.4, ladder_pass_at_1=0.9), "not surely better"),
        (measures(0.6, reach_by_function={"0": 0.7}), "passing sample"),
        (measures(0.6, ending_share=0.7), "end by themselves"),
        (measures(0.6, right_length_by_prompt={"0": 200.0}), "length"),
        (measures(0.6, right_length_by_prompt={"0": 20.0}), "length"),
        (measures(0.6, duplicated_lines=0.4), "repeated"),
        (measures(0.6, diversity=0.3), "alike"),
        (measures(0.6, kl_nats_per_token=2.0), "nats"),
    ],
)
def test_a_doubtful_one_is_refused(challenger: Measures, reason: str) -> None:
    """Not surely better, or better at a price. The reason is told."""
    decision = judge(challenger)
    assert not decision.is_promoted
    assert reason in " ".join(decision.reasons)


def test_one_that_is_only_sharper_is_refused() -> None:
    """The champion passes as often at lower temperatures. The report shows all three."""
    decision = judge(measures(0.6), cooled=measures(0.6))
    assert "only sharper" in decision.reasons[0]
    report = decision.report
    shown = [one["pass_at_1"] for one in (report.champion, report.cooled, report.challenger)]
    assert shown == [0.4, 0.6, 0.6]
    assert judge(measures(0.6), cooled=measures(0.5)).is_promoted


def test_later_looks_ask_for_more() -> None:
    """What promotes at the first look of a held-out set does not at the tenth."""
    rates = {name: rate + 0.1 * (int(name) < 8) for name, rate in CHAMPION.pass_by_function.items()}
    better = measures(0.4, pass_by_function=rates)
    assert judge(better).is_promoted
    assert not judge(better, look=10).is_promoted


def test_too_few_functions_promote_nobody() -> None:
    """One function that was asked about twelve times is one."""
    ladder = [dataclasses.replace(sample(f"p{n}"), function=f"f{n % 9}") for n in range(9 * 12)]
    right = [*ladder, *(dataclasses.replace(one, decides=True) for one in ladder)]
    wrong = [dataclasses.replace(one, passes=False) for one in right]
    assert len(measured(right).pass_by_function) == 9
    decision = decide(measured(wrong), measured(right), measured(wrong), GateSettings(), look=1, seed=1)
    assert decision.reasons == ("only 9 held-out functions; 10 are asked for",)


def test_a_gain_has_a_chance_and_an_interval() -> None:
    """A difference that is the same everywhere is sure, one that goes both ways is not."""
    before = {str(n): 0.5 for n in range(30)}
    assert gain(before, dict.fromkeys(before, 0.6), seed=0).chance < 1e-8
    assert gain(before, dict.fromkeys(before, 0.6), seed=0, least=0.2).chance == 1.0
    noise = gain(before, {name: 0.7 if int(name) % 2 else 0.3 for name in before}, seed=0)
    assert 0.2 < noise.chance < 0.8
    assert noise.low < 0 < noise.high


def test_samples_are_measured() -> None:
    """Shares over prompts first, then over functions. Only the low temperature decides."""
    ladder = [sample("a", "x\nx\n"), sample("a", "x\nx\n"), sample("b", "y\n", passes=False)]
    ladder[2] = dataclasses.replace(ladder[2], ends=False)
    deciding = [dataclasses.replace(sample(one), decides=True) for one in ("a", "b")]
    made = measured([*ladder, *deciding], offers={"a": True, "b": False})
    assert (made.pass_at_1, made.pass_at_n, made.ladder_pass_at_1, made.right_offers) == (1.0, 0.5, 0.5, 0.5)
    assert made.diversity == 0.75
    assert made.ending_share == pytest.approx(2 / 3)
    assert made.duplicated_lines == pytest.approx(1 / 3)


def test_both_kinds_of_labels_count_alike() -> None:
    """The rarer kind is weighed up (KTO, equation 8)."""
    assert kind_weights(10, 40) == (4.0, 1.0)
    assert kind_weights(30, 10) == (1.0, 3.0)


def test_less_and_less_memory_is_asked_for() -> None:
    """Smaller batches with as many rows a step, then checkpointing, then shorter rows, then no more."""
    values = {field.name: 0 for field in dataclasses.fields(FitJob)}
    job: FitJob | None = FitJob(**{**values, "batch_size": 8, "accumulation": 1, "max_length": 512})  # type: ignore[arg-type]
    seen = []
    while job is not None:
        seen.append((job.batch_size, job.accumulation, bool(job.gradient_checkpointing), job.max_length))
        job = with_less_memory(job)
    assert seen == [(8, 1, False, 512), (4, 2, False, 512), (2, 4, False, 512), (2, 4, True, 512), (2, 4, True, 256)]
