"""A prompt that judges policies and is never trained on: what is sampled, and the code that a sample is run in.

A sample is judged by tests that its prompt does not show, where there are some. A policy that only copies what it is
shown would pass the others.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call, Origin, TestCase, TestId
from plum_lsp.evaluation.offline import PREFIX_TOKENS, SUFFIX_TOKENS
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.store.learning import EXPECTATIONS, KnownProgram
from plum_trainer.data.withholding import withhold


class JudgedBy(enum.StrEnum):
    """What the judgement of a held-out prompt rests on."""

    WITHHELD = "withheld example"
    """An example that the prompt does not show, beside those that it shows."""
    PROJECT = "project tests"
    """Tests of the project, which no prompt shows."""
    INPUTS = "generated inputs"
    """Examples that the prompt shows, and agreement of the samples on generated inputs."""
    ROW = "benchmark tests"
    """The tests of a benchmark row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A prompt that is never trained on, and the code around its hole.

    `shown` is the code before the hole as the prompt shows it. `before` is the code that judges. It may have an example
    more.
    """

    id: str
    function: str
    """The function that it asks for, by the file's path in its project and its qualified name."""
    prompt: str
    shown: str
    before: str
    after: str
    kind: str
    indent: str
    line_head: str
    judged_by: str
    tests: str = ""
    """Tests of a benchmark row. Empty if the specification in its own code judges it."""
    project: tuple[TestCase, ...] = ()
    """The project's tests of the function."""


def held_out(program: KnownProgram, place: str, project: Sequence[TestCase] = ()) -> HeldOut | None:
    """The prompt as it is sampled and run. None if the code has no hole any more, or no test can judge it here.

    Args:
        program: the prompt and the code around its hole.
        place: the path of its file in its project.
        project: the project's tests of the function.
    """
    document = Document(uri=program.document_uri, version=0, text=program.before + program.after)
    context = read_context(document, len(program.before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    if context is None:
        return None
    examples = examples_of(context)
    if not examples and not project:
        return None
    without = withhold((program.prompt, program.before), examples)
    prompt, shown = without or (program.prompt, program.before)
    judged_by = JudgedBy.WITHHELD if without else JudgedBy.PROJECT if project else JudgedBy.INPUTS
    return HeldOut(
        id=program.prompt_hash,
        function=f"{place}::{context.function.qualified_name if context.function else ''}",
        prompt=prompt,
        shown=shown,
        before=program.before,
        after=program.after,
        kind=context.block.kind.value,
        indent=context.block.indent,
        line_head=context.block.line_head,
        judged_by=judged_by.value,
        project=tuple(project),
    )


def values_of(prompt: HeldOut) -> dict[str, Any]:
    """A held-out prompt as JSON values."""
    return {**asdict(replace(prompt, project=())), "project": [_values_of_test(test) for test in prompt.project]}


def held_out_of(values: Mapping[str, Any]) -> HeldOut:
    """The held-out prompt that JSON values stand for."""
    return HeldOut(**{**values, "project": tuple(_test_of(test) for test in values["project"])})


def _values_of_test(test: TestCase) -> dict[str, Any]:
    return {
        "id": test.id,
        "call": asdict(test.call),
        "kind": type(test.expectation).__name__.lower(),
        "expectation": asdict(test.expectation),
        "quote": test.quote,
    }


def _test_of(values: Mapping[str, Any]) -> TestCase:
    return TestCase(
        id=TestId(values["id"]),
        call=Call(**values["call"]),
        expectation=EXPECTATIONS[values["kind"]](**values["expectation"]),
        origin=Origin.PROJECT,
        quote=values["quote"],
    )
