"""Samples are judged by tests that their prompt does not show, so that a text that recites what it is shown fails."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from plum_lsp.domain.verification import Call, Equals, Limits, Origin, TestCase, TestId
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.store.learning import KnownProgram
from plum_trainer.data.prompts import HeldOut, JudgedBy, held_out, held_out_of, values_of
from plum_trainer.data.withholding import withhold
from plum_trainer.gate.evaluate import judged_samples
from plum_trainer.gate.measures import Measures

TWO = 'def double(n):\n    """\n    >>> double(3)\n    6\n    >>> double(5)\n    10\n    """\n'
ONE = 'def double(n):\n    """Twice the number.\n\n    >>> double(3)\n    6\n    """\n'
NONE = 'def double(n):\n    """Twice the number."""\n'
RIGHT, RECITED = "    return n * 2\n", "    return {3: 6}.get(n, 6)\n"
PROJECT = TestCase(
    id=TestId("project-1"),
    call=Call(expression="double(4)"),
    expectation=Equals(expected="8"),
    origin=Origin.PROJECT,
    quote="assert double(4) == 8",
)


def prompt_of(code: str, *project: TestCase) -> HeldOut:
    """The held-out prompt of some code, as a round keeps it in its file."""
    program = KnownProgram(prompt_hash="h", prompt=code, document_uri="file:///a.py", before=code, after="")
    made = held_out(program, "a.py", project)
    assert made is not None
    return held_out_of(json.loads(json.dumps(values_of(made))))


def test_one_of_several_examples_is_withheld() -> None:
    """It is in neither the prompt nor the code that the offer is chosen with. It is in the code that judges."""
    made = prompt_of(TWO)
    assert made.judged_by == JudgedBy.WITHHELD
    assert "double(5)" not in made.prompt + made.shown
    assert "double(3)" in made.prompt
    assert made.before == TWO


def test_what_cannot_be_withheld_is_labelled() -> None:
    """A single example is shown. The project's tests are not in the prompt anyway."""
    assert prompt_of(ONE).judged_by == JudgedBy.INPUTS
    assert prompt_of(NONE, PROJECT).judged_by == JudgedBy.PROJECT
    assert prompt_of(NONE, PROJECT).project == (PROJECT,)


def test_a_prompt_without_a_test_does_not_judge() -> None:
    """Such as one that only tests inside its project can judge. Every policy would fail it."""
    program = KnownProgram(prompt_hash="h", prompt=NONE, document_uri="file:///a.py", before=NONE, after="")
    assert held_out(program, "a.py") is None


def test_an_example_that_stands_twice_is_not_taken_out() -> None:
    """It would still be shown, so another one is taken."""
    first, last = ">>> double(3)\n6", ">>> double(5)\n10"
    tests = [dataclasses.replace(PROJECT, quote=quote) for quote in (first, last)]
    assert withhold([TWO], tests) == (prompt_of(TWO).shown,)
    twice = f"{TWO}    >>> double(5)\n    10\n"
    assert withhold([twice], tests) == (twice.replace("    >>> double(3)\n    6\n", ""),)
    assert withhold([TWO], tests[:1]) is None
    assert withhold([TWO, NONE], tests) is None


async def judged(tmp_path: Path, prompt: HeldOut, *texts: str) -> Measures:
    """The measures of samples of one prompt, the same on the ladder and at the deciding temperature."""
    samples = [(decides, text) for decides in (False, True) for text in texts]
    rows = [
        {"id": prompt.id, "index": place, "text": text, "finish": "stop", "decides": decides}
        for place, (decides, text) in enumerate(samples)
    ]
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sandbox = await open_sandbox(SandboxOptions())
    try:
        return await judged_samples([prompt], path, sandbox, limits=Limits())
    finally:
        await sandbox.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "recited"),
    [(prompt_of(TWO), RECITED), (prompt_of(ONE), RECITED), (prompt_of(NONE, PROJECT), "    return n + 3\n")],
    ids=["withheld", "inputs", "project"],
)
async def test_a_text_that_recites_its_examples_fails(tmp_path: Path, prompt: HeldOut, recited: str) -> None:
    """A right one beside it passes and is offered."""
    found = await judged(tmp_path, prompt, RIGHT, recited)
    assert found.pass_at_1 == 0.5
    assert found.right_offers == 1.0


@pytest.mark.slow
async def test_an_offer_that_only_fits_what_was_shown_is_not_right(tmp_path: Path) -> None:
    """The group offers what passes the shown example. The withheld one tells that it is wrong."""
    found = await judged(tmp_path, prompt_of(TWO), "    return n + 3\n")
    assert (found.pass_at_1, found.right_offers) == (0.0, 0.0)
