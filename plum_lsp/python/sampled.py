"""Reads tests that the policy writes: inputs and expected outputs, requested separately, parsed and never trusted.

An output that the policy expects is a guess, like its candidates. It counts only if several samples expect the same
output and some candidate returns it (after CodeT, arXiv 2207.10397), and only in addition to other evidence. Such a
test is not a specification and refutes no candidate. Inputs of the policy carry no expectation, so they are used like
generated ones. Pure.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Block, Context, FimPrompt, FunctionSymbol, HoleKind
from plum_lsp.domain.verification import Call, Ending, Equals, Observation, Origin, TestCase, TestId
from plum_lsp.python.contracts import values
from plum_lsp.python.reading.sources import Surface, expression_or_none, literal_or_none, reachable_function, surface_of

INPUTS_MAX = 12
"""The most inputs that are taken from the policy, and for which outputs are requested."""
VOTES_MIN = 2
"""At least this many samples must expect the same output."""
CALL_CHARACTERS_MAX = 400
"""Longer lines are ignored as noise."""
_LINE = re.compile(r"^[ \t]*(?:>>>[ ]?|\.\.\.[ ]?|assert[ ]+|print\(|[-*#\d.]+[ ]+)?(?P<code>[^\n]+)$", re.MULTILINE)
_SESSION = re.compile(r"^>>>[ ]?(?P<call>[^\n]+)\n(?P<shown>(?!>>>)[^\n]+)", re.MULTILINE)
_ANYTHING = Block(kind=HoleKind.MODULE, indent="", line_head="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPair:
    """The output that samples expect of one call: `votes` of the `asked` samples that give any output for it."""

    call: Call
    expected: str
    votes: int
    asked: int


def input_prompt(context: Context) -> FimPrompt | None:
    """The prompt for calls with telling arguments. None if the function cannot be called by its name."""
    function = _subject(context)
    if function is None:
        return None
    asked = f"# Calls of {function.name} with typical, extreme and unusual arguments:"
    return _prompt(f"{_shown(context)}\n\n{asked}\n>>> {function.name}(")


def output_prompt(context: Context, calls: Sequence[Call]) -> FimPrompt | None:
    """The prompt for the results of calls, as a session that begins with the first of them. None without calls."""
    function = _subject(context)
    if function is None or not calls:
        return None
    listed = "\n".join(f"#   {call.expression}" for call in calls)
    text = f"{_shown(context)}\n\n# What these calls give, in this order:\n{listed}\n"
    return _prompt(f"{text}>>> {calls[0].expression}\n")


def read_inputs(context: Context, completions: Sequence[str]) -> tuple[Call, ...]:
    """The calls with literal arguments in the answers to `input_prompt`, each once, most frequent first."""
    function = _subject(context)
    if function is None:
        return ()
    surface = surface_of(context, function)
    found: Counter[str] = Counter()
    for completion in completions:
        text = f"{function.name}({completion}"
        lines = [match.group("code") for match in _LINE.finditer(text)]
        found.update([*dict.fromkeys(one for line in lines if (one := _call_in(line, surface)) is not None)])
    return tuple(Call(expression=expression) for expression, _ in found.most_common(INPUTS_MAX))


def read_outputs(context: Context, calls: Sequence[Call], completions: Sequence[str]) -> tuple[SampledPair, ...]:
    """The outputs that the samples expect, by call: the most frequent one, with its votes."""
    function = _subject(context)
    if function is None or not calls:
        return ()
    surface = surface_of(context, function)
    expected: dict[str, list[str]] = {}
    for completion in completions:
        seen: dict[str, str] = {}
        for match in _SESSION.finditer(f">>> {calls[0].expression}\n{completion}"):
            call, value = _call_in(match.group("call"), surface), _literal(match.group("shown"))
            if call is not None and value is not None:
                seen.setdefault(call, value)
        for call, value in seen.items():
            expected.setdefault(call, []).append(value)
    pairs = []
    for call, given in expected.items():
        value, votes = Counter(given).most_common(1)[0]
        pairs.append(SampledPair(call=Call(expression=call), expected=value, votes=votes, asked=len(given)))
    return tuple(pairs)


def screened(
    pairs: Sequence[SampledPair], calls: Sequence[Call], observed: Mapping[int, Sequence[Observation]]
) -> tuple[TestCase, ...]:
    """The pairs that count: more than half of several samples agree, and some but not all candidates return that
    output.

    `observed` maps candidate indices to their observations on `calls`. An output of all candidates does not separate
    them.
    """
    places = {call.expression: place for place, call in enumerate(calls)}
    kept = []
    for pair in pairs:
        place = places.get(pair.call.expression)
        if place is None or pair.votes < VOTES_MIN or 2 * pair.votes <= pair.asked:
            continue
        agreeing = [_gives(seen[place], pair.expected) for seen in observed.values()]
        if any(agreeing) and not all(agreeing):
            kept.append(_test(pair))
    return tuple(kept)


def passed_by(tests: Sequence[TestCase], calls: Sequence[Call], observed: Sequence[Observation]) -> frozenset[TestId]:
    """The sampled tests that one candidate passes, by its observations on `calls`."""
    places = {call.expression: place for place, call in enumerate(calls)}
    return frozenset(
        test.id
        for test in tests
        if isinstance(test.expectation, Equals)
        and _gives(observed[places[test.call.expression]], test.expectation.expected)
    )


def support_of(passed: Mapping[int, frozenset[TestId]]) -> dict[int, float]:
    """How far candidates and sampled tests support each other, in [0, 1], by candidate index (CodeT's dual agreement).

    Candidates that pass the same tests form a set. Its score is the root of their number times the number of its tests.
    """
    mates = Counter(passed.values())
    scores = {index: mates[tests] ** 0.5 * len(tests) for index, tests in passed.items()}
    best = max(scores.values(), default=0.0)
    return {index: score / best if best else 0.0 for index, score in scores.items()}


def _subject(context: Context) -> FunctionSymbol | None:
    """The function at the hole, if a call by its name reaches it."""
    function = reachable_function(context)
    is_plain = function is not None and function.class_name is None and not function.name.startswith("__")
    return function if is_plain else None


def _shown(context: Context) -> str:
    """The code up to the hole, with a placeholder body that does not reveal the answer."""
    head = context.prefix.rstrip()
    indent = context.block.indent or "    "
    return f"{head}\n{indent}..."


def _prompt(text: str) -> FimPrompt:
    return FimPrompt(text=text, stop=(), restored="", block=_ANYTHING, suffix="")


def _call_in(line: str, surface: Surface) -> str | None:
    """The function's call at the start of a line, normalised, if its arguments are literals."""
    line = line.strip().split("  #")[0].strip()
    if len(line) > CALL_CHARACTERS_MAX:
        return None
    tree = expression_or_none(line) or expression_or_none(line.rstrip(",;)")) or expression_or_none(f"{line})")
    if isinstance(tree, ast.Compare):
        tree = tree.left
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == surface.function.name):
        return None
    try:
        for argument in (*tree.args, *(keyword.value for keyword in tree.keywords)):
            values.of_literal(argument)
    except ValueError:
        return None
    return ast.unparse(tree)


def _literal(text: str) -> str | None:
    """A literal result, normalised."""
    tree = literal_or_none(text.strip(), frozenset({"set", "frozenset"}))
    try:
        if tree is not None and len(text) <= CALL_CHARACTERS_MAX:
            values.of_literal(tree)
            return ast.unparse(tree)
    except ValueError:
        return None
    return None


def _gives(seen: Observation, expected: str) -> bool:
    tree = expression_or_none(expected)
    if seen.ending is not Ending.RETURNED or tree is None:
        return False
    return values.is_same(values.of_literal(tree), seen.value)


def _test(pair: SampledPair) -> TestCase:
    identity = hashlib.blake2s(f"{pair.call}{pair.expected}".encode("utf-8", "replace"), digest_size=8).hexdigest()
    return TestCase(
        id=TestId(f"{Origin.SAMPLED.value}-{identity}"),
        call=pair.call,
        expectation=Equals(expected=pair.expected),
        origin=Origin.SAMPLED,
        quote=f"{pair.call.expression} == {pair.expected} ({pair.votes} of {pair.asked} samples)",
    )
