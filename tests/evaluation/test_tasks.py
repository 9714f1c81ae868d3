"""Benchmark rows as every reader of them sees them, and their gold tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.tasks import MalformedTask, Task, passes_gold, task_of
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

ROW: dict[str, Any] = {
    "task_id": "T/1",
    "prompt": "def add(a, b):\n",
    "suffix": "\n",
    "source": "t",
    "tests": "assert add(2, 2) == 4\n",
    "candidates": [{"text": "    return a + b", "correct": True}],
    "group": 7,
}


def test_a_row_is_read_once_for_every_use() -> None:
    """The same line serves a policy, a verifier and the gate. Other keys are ignored."""
    assert task_of(json.dumps(ROW), needs=("tests", "candidates")) == Task(
        id="T/1",
        prompt="def add(a, b):\n",
        suffix="\n",
        source="t",
        tests="assert add(2, 2) == 4\n",
        candidates=("    return a + b",),
    )


def test_what_a_use_does_not_need_may_be_missing() -> None:
    """A task is at least a name and a prompt."""
    assert task_of('{"task_id": "a", "prompt": "x = "}') == Task(id="a", prompt="x = ", suffix="")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "`task_id` must be a text"),
        (json.dumps({**ROW, "prompt": 3}), "`prompt` must be a text"),
        (json.dumps({**ROW, "suffix": None}), "`suffix` must be a text"),
        (json.dumps({**ROW, "tests": " "}), "`tests` must be a text with gold tests"),
        (json.dumps({**ROW, "candidates": ["return 1"]}), "`candidates` must be a list of objects"),
    ],
)
def test_a_line_that_is_no_task_is_told(line: str, said: str) -> None:
    """Bad input has a reason."""
    with pytest.raises(MalformedTask, match=said):
        task_of(line, needs=("tests", "candidates"))


@pytest.mark.parametrize("missing", ["tests", "candidates"])
def test_what_a_use_needs_must_be_there(missing: str) -> None:
    """A gate cannot judge without tests, nor a verifier without candidates."""
    row = {name: value for name, value in ROW.items() if name != missing}
    with pytest.raises(MalformedTask, match=missing):
        task_of(json.dumps(row), needs=(missing,))


@pytest.mark.slow
async def test_gold_tests_decide() -> None:
    """A program passes if it runs to the end of its tests: a failure, an early exit and a syntax error do not pass."""
    sandbox = await open_sandbox(SandboxOptions())
    bodies = ["return a + b", "return a - b", "raise SystemExit", "return ("]
    try:
        passed = [await passes_gold(f"def add(a, b):\n    {body}", ROW["tests"], sandbox, Limits()) for body in bodies]
    finally:
        await sandbox.close()
    assert passed == [True, False, False, False]
