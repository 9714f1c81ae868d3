"""Reads doctest examples as tests: the setup, the call and the expectation.

The standard library's parser finds the examples (doctest, "Simple Usage"). The module runs no code. `steps` chooses the
setup, and `expectations` reads the result.
"""

from __future__ import annotations

import ast
import doctest
import re
from dataclasses import dataclass, replace

from plum_lsp.domain.verification import Call, Equals, Expectation, Prints, Raises, Shows
from plum_lsp.python.reading.sources import Surface, expression_or_none, free_names, module_or_none
from plum_lsp.python.specification.conditions import (
    acted,
    all_of,
    asked,
    beside,
    derived,
    shown_constants,
    shows_answers,
    split,
    stated,
)
from plum_lsp.python.specification.expectations import expectation_of, is_print, is_representation
from plum_lsp.python.specification.printing import with_usual_printer
from plum_lsp.python.specification.shown import printed_apart
from plum_lsp.python.specification.steps import Step, after, setup_for, stated_state, step_of
from plum_lsp.python.specification.unfolded import unfolded

EXAMPLES_MAX = 200
"""The most examples read from one text. A table of thousands belongs in the project's own tests."""
_TRUTHS = frozenset({"True", "False", "None"})
"""Results that an object can give to every question, without computing an answer."""
_PROMPT = re.compile(r"^[ \t]*>>>", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One statement of a text about a call. `quote` is how it was written."""

    call: Call
    expectation: Expectation
    quote: str


def doctest_examples(text: str, surface: Surface) -> list[Example]:
    """The examples of a session in order. The setup of each test holds the earlier lines that it depends on."""
    found: list[Example] = []
    for session in _sessions(text):
        found.extend(_of_session(session, surface))
    return found[:EXAMPLES_MAX]


def without_sessions(text: str) -> str:
    """`text` with the lines of its doctest examples emptied, so that no example is read twice."""
    lines = text.split("\n")
    is_inside = False
    for place, line in enumerate(lines):
        is_inside = bool(_PROMPT.match(line)) or (is_inside and bool(line.strip()))
        if is_inside:
            lines[place] = ""
    return "\n".join(lines)


def _sessions(text: str) -> list[list[doctest.Example]]:
    """The whole text as one session. If its layout is wrong, each readable block is a session."""
    if ">>>" not in text:
        return []
    parser = doctest.DocTestParser()
    spaced = re.sub(r"^([ \t]*)>>>(?=[^\s>])", r"\1>>> ", text, flags=re.MULTILINE)
    try:
        return [parser.get_examples(spaced)]
    except ValueError:
        pass
    read: list[doctest.Example] = []
    for block in re.split(r"\n[ \t]*\n|\n(?=[ \t]*>>>)", spaced):
        try:
            read.extend(parser.get_examples(block))
        except ValueError:
            continue
    return [read]


def _of_session(session: list[doctest.Example], surface: Surface) -> list[Example]:
    found: list[Example] = []
    steps: list[Step] = []
    sources = with_usual_printer([example.source.strip("\n") for example in session[:EXAMPLES_MAX]])
    for example, source in unfolded(list(zip(session, sources, strict=False)), surface):
        if example.options.get(doctest.SKIP):
            continue
        tree = module_or_none(source)
        if tree is None or not tree.body:
            continue
        state = stated_state(example, tree, steps, surface)
        if state is not None:
            steps.append(state)
            continue
        test = _test(example, source, tree, steps, surface)
        if test is not None:
            found.append(test)
        if example.exc_msg is None:
            is_effect = test is None and not example.want
            steps.append(after(steps, step_of(source, tree, is_effect=is_effect)))
    return found


def _test(
    example: doctest.Example, source: str, tree: ast.Module, steps: list[Step], surface: Surface
) -> Example | None:
    shown = all_of(tree.body[-1]) if set(example.want.split()) == {"True"} and len(tree.body) == 1 else None
    expression, own_setup = _split(source, tree)
    want, quote = example.want, f">>> {source}\n{example.want}".rstrip()
    comparison = _comparison(expression) if not want and example.exc_msg is None else None
    if comparison is not None:
        expression, want = comparison
    if not want and example.exc_msg is None:
        return None
    if surface.function.name == "__repr__" and example.exc_msg is None and is_representation(expression, want):
        expression, want = f"repr({expression})", f"{want.strip()!r}\n"
    setup = setup_for(steps, free_names(tree), surface)
    if setup is None:
        return None
    if not expression and want and isinstance(tree.body[-1], ast.Assign):
        expression = _assigned(tree.body[-1], want)
        if not expression:
            return None
    condition = split(shown, setup, surface) if shown is not None else None
    if condition is not None:
        return Example(call=condition.call, expectation=condition.expectation, quote=quote)
    setup = "\n".join(part for part in (setup, own_setup) if part)
    found = _read(example, want, expression, setup, surface)
    return Example(call=found[0], expectation=found[1], quote=quote) if found is not None else None


def _read(
    example: doctest.Example, want: str, expression: str, setup: str, surface: Surface
) -> tuple[Call, Expectation] | None:
    """The call and its expectation. None if the candidate's own objects would decide the result."""
    expectation = expectation_of(example, want, expression, setup, surface)
    if expectation is None:
        return None
    if isinstance(expectation, Raises):
        call = stated(expression, setup, surface) if expression else acted(setup, surface)
        return (call, expectation) if call is not None else None
    tree = expression_or_none(expression) if expression else None
    is_truth = all(word in _TRUTHS for word in want.split())
    if isinstance(expectation, Prints) and _is_told(expression or _last_statement(setup), want, surface):
        return None
    if tree is None:
        call = acted(setup, surface) if not is_truth or shows_answers(setup, surface) else None
        return (call, expectation) if call is not None else None
    if is_truth and not isinstance(expectation, Prints):
        return _truth(expression, setup, surface, want.strip())
    call = asked(expression, setup, surface, is_truth=is_truth)
    if isinstance(expectation, Equals):
        needed = beside(expectation.expected, setup, surface)
        if needed is None:
            return None
        expectation = replace(expectation, setup=needed)
        question = derived(expression, setup, surface) if call is None and not needed else None
        if question is not None:
            return question.call, replace(expectation, setup=question.setup, derived=question.derived)
    if call is None and isinstance(expectation, Prints | Shows):
        return printed_apart(expression, expectation, setup, surface)
    return (call, expectation) if call is not None else None


def _last_statement(setup: str) -> str:
    tree = module_or_none(setup)
    return ast.unparse(tree.body[-1]) if tree is not None and tree.body else ""


def _is_told(source: str, want: str, surface: Surface) -> bool:
    """Whether the expected output holds a constant of the source more often than the source itself prints it."""
    return any(want.count(text) > count for text, count in shown_constants(source, surface).items())


def _truth(expression: str, setup: str, surface: Surface, want: str) -> tuple[Call, Expectation] | None:
    """A result of True, False or None. The values of the calls are judged elsewhere, or there is no test."""
    call = asked(expression, setup, surface, is_truth=True)
    if call is not None:
        return call, Equals(expected=want)
    if want == "None":
        condition = split(f"({expression}) is None", setup, surface)
    else:
        condition = split(expression, setup, surface, is_true=want == "True")
    return (condition.call, condition.expectation) if condition is not None else None


def _assigned(statement: ast.Assign, want: str) -> str:
    """The name of `x = f(1)` with a result below it, if the result is a value. A real session would not show it."""
    target = statement.targets[0]
    is_value = isinstance(target, ast.Name) and expression_or_none(want) is not None
    return target.id if is_value and isinstance(target, ast.Name) else ""


def _split(source: str, tree: ast.Module) -> tuple[str, str]:
    """The expression that ends the source, and the statements before it. The expression is empty if there is none."""
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        return "", _shown_by_session(tree) if isinstance(last, ast.For | ast.While | ast.With | ast.If) else source
    expression = ast.get_source_segment(source, last.value) or source
    if isinstance(last.value, ast.Tuple | ast.GeneratorExp) and not expression.startswith("("):
        expression = f"({expression})"
    if isinstance(last.value, ast.Await):
        expression = ast.get_source_segment(source, last.value.value) or expression
    return expression, "\n".join(ast.get_source_segment(source, statement) or "" for statement in tree.body[:-1])


def _shown_by_session(tree: ast.Module) -> str:
    """The statements of an interactive session. It shows the value of an expression unless it is None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and not is_print(node.value):
            show = ast.parse("(lambda value: value is None or print(repr(value)))(0)", mode="eval").body
            if isinstance(show, ast.Call):
                node.value = ast.Call(func=show.func, args=[node.value], keywords=[])
    return ast.unparse(ast.fix_missing_locations(tree))


def _comparison(expression: str) -> tuple[str, str] | None:
    """The call of `f(1) == 2` and what it equals. Without a result below it, the text states that it is true."""
    tree = expression_or_none(expression) if expression else None
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or not isinstance(tree.ops[0], ast.Eq | ast.Is):
        return None
    left = ast.get_source_segment(expression, tree.left)
    right = ast.get_source_segment(expression, tree.comparators[0])
    return (left, right + "\n") if left and right and isinstance(tree.left, ast.Call) else None
