"""`plum-lsp eval`: figures from results, with intervals; the real pipeline behind a scripted policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.scripted_policy import ScriptedPolicy

from plum_lsp.cli import plum_lsp
from plum_lsp.evaluation.figures import figures
from plum_lsp.evaluation.rows import MalformedResult, Scored, TaskResult, result_of

ROW = {
    "task_id": "T/1",
    "source": "t",
    "prompt": 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n',
    "suffix": "",
    "tests": "assert add(2, 2) == 4\nassert add(0, 5) == 5\n",
}


def result(*, right: str, offered: int | None, tier: str = "verified", ms: float = 1.0) -> TaskResult:
    """A task whose samples are right (`+`) or wrong (`-`), and which of them was offered."""
    samples = tuple(
        Scored(index=index, tier=tier, mean_logprob=-0.1, is_right=mark == "+") for index, mark in enumerate(right)
    )
    chosen = None if offered is None else samples[offered]
    return TaskResult(
        task_id="T",
        source="t",
        samples=samples,
        offered=chosen,
        awaited=chosen,
        reason="" if chosen else "all_failed",
        first_ms=ms,
        offered_ms=ms if chosen else None,
        total_ms=ms,
    )


def test_figures_count_samples_and_offers() -> None:
    """Each figure by hand on four small tasks."""
    results = [
        result(right="+-", offered=0),
        result(right="-+", offered=1, tier="consistent"),
        result(right="--", offered=0, ms=20.0),
        result(right="--", offered=None),
    ]
    found = {figure.name: (figure.value, figure.count) for figure in figures(results, deadline_ms=10)}
    assert found == {
        "raw pass@1": (0.25, 4),
        "raw pass@2": (0.5, 4),
        "without verification (first sample)": (0.25, 4),
        "tasks with an offer": (0.75, 4),
        "tasks with a right offer": (0.5, 4),
        "precision of offers": (2 / 3, 3),
        "precision of verified offers": (0.5, 2),
        "precision of consistent offers": (1.0, 1),
        "tasks with an offer within the deadline": (0.5, 4),
        "precision, the whole group awaited": (2 / 3, 3),
    }


def test_intervals_hold_the_value_and_are_repeatable() -> None:
    """The interval of a share lies around it, shrinks with more tasks, and depends on the seed alone."""
    few = [result(right=mark, offered=0) for mark in "+-"] * 5
    first, again, many = (figures(results, deadline_ms=10)[0] for results in (few, few, few * 20))
    assert first == again
    assert first.low < first.value < first.high
    assert many.high - many.low < first.high - first.low


def test_result_survives_being_written_and_read() -> None:
    """What one run wrote is what the next one goes on from; half a line is told."""
    for found in (result(right="+-", offered=0), result(right="--", offered=None)):
        line = json.dumps(found.line())
        assert result_of(line) == found
        with pytest.raises(MalformedResult, match="no result"):
            result_of(line[: len(line) // 2])


@pytest.mark.slow
def test_stopped_run_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --resume a task that has a result is not asked again, and a line cut short is."""
    tasks, out = tmp_path / "tasks.jsonl", tmp_path / "out.jsonl"
    tasks.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW | {"task_id": "T/2"}) + "\n")
    with ScriptedPolicy() as policy:
        policy.will_complete("    return a + b\n")
        monkeypatch.setenv("PLUM_POLICY_URL", policy.url)
        monkeypatch.setenv("PLUM_POLICY_API_KEY", policy.api_key)
        monkeypatch.setenv("PLUM_DATA_DIR", str(tmp_path))
        command = ["eval", str(tasks), "--samples", "1", "-o", str(out)]
        assert CliRunner().invoke(plum_lsp, command).exit_code == 0
        whole = out.read_text()
        out.write_text(whole[:-20])
        asked = len(policy.completions)
        done = CliRunner().invoke(plum_lsp, [*command, "--resume"])
    assert done.exit_code == 0, done.output
    assert len(policy.completions) == asked + 1
    assert [result_of(line).task_id for line in out.read_text().splitlines()] == ["T/1", "T/2"]
    assert "tasks with a right offer" in done.output
    assert "n = 2" in done.output


@pytest.mark.slow
def test_command_scores_with_gold_tests_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that passes the example and fails the gold tests is offered as verified, and scored as wrong."""
    tasks, out = tmp_path / "tasks.jsonl", tmp_path / "out.jsonl"
    tasks.write_text(json.dumps(ROW) + "\nno task\n")
    with ScriptedPolicy() as policy:
        policy.will_complete("    return 3\n")
        monkeypatch.setenv("PLUM_POLICY_URL", policy.url)
        monkeypatch.setenv("PLUM_POLICY_API_KEY", policy.api_key)
        monkeypatch.setenv("PLUM_DATA_DIR", str(tmp_path))
        done = CliRunner().invoke(plum_lsp, ["eval", str(tasks), "--samples", "1", "-o", str(out)])
    assert done.exit_code == 1, done.output
    assert "line 2: not JSON" in done.output
    (line,) = map(json.loads, out.read_text().splitlines())
    assert line["offered"], line
    assert line["offered"]["tier"] == "verified"
    assert not line["offered"]["is_right"]
    assert "precision of verified offers" in done.output
