"""`plum-lsp eval`: figures from results, with intervals; the real pipeline behind a scripted policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.scripted_policy import ScriptedPolicy

from plum_lsp.cli import plum_lsp
from plum_lsp.evaluating import MalformedRow, Row, Scored, TaskResult, figures, row_of

ROW = {
    "task_id": "T/1",
    "source": "t",
    "prompt": 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n',
    "suffix": "",
    "tests": "assert add(2, 2) == 4\nassert add(0, 5) == 5\n",
}


def result(*, right: str, offered: int | None, tier: str = "verified") -> TaskResult:
    """A task whose samples are right (`+`) or wrong (`-`), and which of them was offered."""
    samples = tuple(
        Scored(index=index, tier=tier, mean_logprob=-0.1, is_right=mark == "+") for index, mark in enumerate(right)
    )
    row = Row(id="T", source="t", prompt="", suffix="", tests="")
    chosen = None if offered is None else samples[offered]
    return TaskResult(row=row, samples=samples, offered=chosen, reason="", total_ms=1.0)


def test_figures_count_samples_and_offers() -> None:
    """Each figure by hand on four small tasks."""
    results = [
        result(right="+-", offered=0),
        result(right="-+", offered=1, tier="consistent"),
        result(right="--", offered=0),
        result(right="--", offered=None),
    ]
    found = {figure.name: (figure.value, figure.count) for figure in figures(results)}
    assert found == {
        "raw pass@1": (0.25, 4),
        "raw pass@2": (0.5, 4),
        "without verification (first sample)": (0.25, 4),
        "tasks with an offer": (0.75, 4),
        "tasks with a right offer": (0.5, 4),
        "precision of offers": (2 / 3, 3),
        "precision of verified offers": (0.5, 2),
        "precision of consistent offers": (1.0, 1),
    }


def test_intervals_hold_the_value_and_are_repeatable() -> None:
    """The interval of a share lies around it, shrinks with more tasks, and depends on the seed alone."""
    few = [result(right=mark, offered=0) for mark in "+-"] * 5
    first, again, many = figures(few)[0], figures(few)[0], figures(few * 20)[0]
    assert first == again
    assert first.low < first.value < first.high
    assert many.high - many.low < first.high - first.low


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", '{"task_id": 1, "prompt": "", "suffix": "", "tests": ""}'])
def test_line_that_is_no_task_is_told(line: str) -> None:
    """Bad input has a name and a reason."""
    with pytest.raises(MalformedRow, match="no task"):
        row_of(line)


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
    assert "line 2: no task" in done.output
    (line,) = map(json.loads, out.read_text().splitlines())
    assert line["offer"], line
    assert line["offer"]["tier"] == "verified"
    assert not line["offer"]["is_right"]
    assert "precision of verified offers" in done.output
