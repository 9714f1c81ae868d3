"""Asks the policy for tests of a hole while it writes candidates, and raises the score of candidates that pass them.

This module asks and waits. `python.sampled` decides what to ask and which answers count. If the policy fails here, only
its tests are lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from plum_lsp.domain.errors import PolicyError
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Context, FimPrompt, FimTemplate, Judged, SamplingOptions
from plum_lsp.domain.values import show
from plum_lsp.domain.verification import Call, Observation, TestCase, Verdict, VerdictStatus
from plum_lsp.python.sampled import (
    SampledPair,
    input_prompt,
    output_prompt,
    passed_by,
    read_inputs,
    read_outputs,
    screened,
    support_of,
)
from plum_lsp.suggestion.prompt import neutralised

log = logging.getLogger(__name__)

INPUT_TEMPERATURES = (0.6, 1.0)
OUTPUT_TEMPERATURES = (0.2, 0.6, 0.8, 1.0)
"""Several samples, because a single guess is not a test. The first temperature gives the policy's likeliest answer."""
INPUT_TOKENS, OUTPUT_TOKENS = 160, 256
SUPPORT_WEIGHT = 0.05
"""The most that the policy's own tests add to a candidate's score. The policy's confidence can add more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the policy wrote: inputs, and the results that it expects for some of them."""

    calls: tuple[Call, ...] = ()
    pairs: tuple[SampledPair, ...] = ()


async def ask_for_tests(
    policy: Policy, context: Context, options: SamplingOptions, template: FimTemplate | None, *, deadline: float
) -> Asked:
    """Ask for inputs first, then for their results, in separate samples. Empty if the policy gives no answer.

    `template` names the control strings of the model, which must not occur in the prompts.
    """
    asked = input_prompt(context)
    if asked is None:
        return Asked()
    try:
        inputs = await _completions(policy, _safe(asked, template), options, INPUT_TEMPERATURES, INPUT_TOKENS, deadline)
        calls = read_inputs(context, inputs)
        outputs = output_prompt(context, calls)
        if outputs is None:
            return Asked()
        texts = await _completions(
            policy, _safe(outputs, template), options, OUTPUT_TEMPERATURES, OUTPUT_TOKENS, deadline
        )
    except PolicyError as error:
        log.info("the policy wrote no tests: %s", error)
        return Asked()
    return Asked(calls=calls, pairs=read_outputs(context, calls, texts))


def _safe(prompt: FimPrompt, template: FimTemplate | None) -> FimPrompt:
    """The prompt without control strings in its text, and with those that end an answer."""
    if template is None:
        return prompt
    controls = (template.prefix, template.suffix, template.middle, *template.stop)
    return replace(prompt, text=neutralised(prompt.text, controls), stop=template.stop)


async def _completions(
    policy: Policy,
    prompt: FimPrompt,
    options: SamplingOptions,
    temperatures: tuple[float, ...],
    tokens: int,
    deadline: float,
) -> list[str]:
    wanted = replace(options, temperatures=temperatures, max_tokens=tokens)
    async with aclosing(policy.sample(prompt, wanted, deadline=deadline)) as stream:
        return [completion.text async for completion in stream]


def with_sampled_tests(
    group: Sequence[Judged],
    pairs: Sequence[SampledPair],
    calls: Sequence[Call],
    observed: Mapping[int, Sequence[Observation]],
) -> tuple[list[Judged], tuple[TestCase, ...]]:
    """The group with the sampled tests that each candidate passes, and those tests.

    They add a little to the score. They never count against a candidate, and no tier changes.
    """
    ran = {index: seen for index, seen in observed.items() if len(seen) == len(calls)}
    tests = screened(pairs, calls, ran)
    if not tests:
        return list(group), ()
    passed = {index: passed_by(tests, calls, seen) for index, seen in ran.items()}
    support = support_of(passed)
    places = {call.expression: place for place, call in enumerate(calls)}
    done = []
    for judged in group:
        index = judged.candidate.completion.index
        shown = {test.id: ran[index][places[test.call.expression]] for test in tests} if index in ran else {}
        verdicts = tuple(
            Verdict(test_id=name, status=VerdictStatus.PASSED, shown=show(seen.value), wall_ms=seen.wall_ms)
            for name, seen in shown.items()
            if name in passed[index]
        )
        score = judged.score + SUPPORT_WEIGHT * support.get(index, 0.0)
        done.append(replace(judged, verdicts=(*judged.verdicts, *verdicts), score=score))
    return done, tests
