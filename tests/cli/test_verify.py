"""`plum-lsp verify`: predictions for candidates that are already written."""

from __future__ import annotations

import json

import pytest
from support.command_line import CommandLine

pytestmark = pytest.mark.slow

PROMPT = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n'
TEXTS = ("    return a + b\n", "    return b + a\n", "    return a - b\n", "    return 3\n", "    return (a\n")
TASK = {"task_id": "t", "prompt": PROMPT, "suffix": "", "candidates": [{"text": text} for text in TEXTS]}
KEYS = {
    *("task_id", "candidate_index", "offered", "score", "probability", "tier"),
    *("tests_run", "tests_passed", "reason", "wall_ms"),
}


def predictions(user: CommandLine, *lines: str) -> tuple[int, list[dict[str, object]], str]:
    user.write("in.jsonl", "\n".join(lines))
    ran = user.run("verify", "in.jsonl", "-o", "out.jsonl")
    out = (user.folder / "out.jsonl").read_text()
    return ran.code, [json.loads(line) for line in out.splitlines()], ran.err


def test_each_candidate_gets_a_line(user: CommandLine) -> None:
    """In order, with what was run and why; only what is right is offered."""
    code, lines, _ = predictions(user, json.dumps(TASK))
    assert code == 0
    assert all(set(line) == KEYS for line in lines)
    assert [line["candidate_index"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line["offered"] for line in lines] == [True, True, False, False, False]
    assert [line["tier"] for line in lines[:4]] == ["verified", "verified", "unverified", "checked"]


def test_the_order_of_candidates_does_not_matter(user: CommandLine) -> None:
    """Nothing leans on a place in the list."""
    turned = TASK | {"candidates": TASK["candidates"][::-1]}
    _, lines, _ = predictions(user, json.dumps(turned))
    assert [line["offered"] for line in lines] == [False, False, False, True, True]


def test_lines_that_are_no_tasks_are_told(user: CommandLine) -> None:
    """The others are judged all the same."""
    bad = ["{", "[]", '{"task_id": 1}', '{"task_id": "x", "prompt": "", "candidates": [1]}']
    code, lines, err = predictions(user, *bad, "", json.dumps(TASK))
    assert code == 1
    assert len(lines) == len(TEXTS)
    assert [f"line {number}:" in err for number in range(1, 7)] == [True, True, True, True, False, False]


@pytest.mark.parametrize("prompt", ["", 'x = "abc'])
def test_where_there_is_nothing_to_complete_each_candidate_is_told_so(user: CommandLine, prompt: str) -> None:
    """A prediction a candidate, always: who counts lines loses none."""
    code, lines, _ = predictions(user, json.dumps(TASK | {"prompt": prompt}))
    assert code == 0
    assert [set(line) for line in lines] == [KEYS] * len(TEXTS)
    assert not any(line["offered"] for line in lines)
    assert "no code to complete" in str(lines[0]["reason"])


def test_a_task_is_explained(user: CommandLine) -> None:
    """Tests with their origin, candidates with what they gave, and the inputs."""
    user.write("in.jsonl", json.dumps(TASK))
    ran = user.run("verify", "in.jsonl", "--explain", "t")
    assert ran.code == 0
    assert "[doctest]" in ran.out
    assert "where others give" in ran.out
    assert "generated, 12 shown" in ran.out
    assert user.run("verify", "in.jsonl", "--explain", "nowhere").code == 1
