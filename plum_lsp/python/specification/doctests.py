"""Reads doctest examples as tests: the setup, the call and the expectation.

The standard library's parser finds the examples (doctest, "Simple Usage"). The module runs no code. Results are
compared as values where possible, otherwise as text.
"""

from __future__ import annotations

import ast
import doctest
import re
from dataclasses import dataclass, replace

from plum_lsp.domain.verification import Call, Equals, Expectation, Prints, Raises, Shows
from plum_lsp.python.reading.sources import (
    Surface,
    bound_names,
    expression_or_none,
    free_names,
    module_or_none,
)
from plum_lsp.python.specification.conditions import (
    acted,
    all_of,
    asked,
    beside,
    derived,
    is_condition,
    shown_constants,
    shows_answers,
    split,
    stated,
)

EXAMPLES_MAX = 200
"""The most examples read from one text. A table of thousands belongs in the project's own tests."""
_MESSAGE = re.compile(r"\A([\w.]+)(?::\s?(.*))?\Z", re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_SEEDS = re.compile(r"\bseed\(")
_OUTPUT = re.compile(r"\b(?:print|output|display|show|write|echo)")
_TRUTHS = frozenset({"True", "False", "None"})
"""Results that an object can give to every question, without computing an answer."""
_PROMPT = re.compile(r"^[ \t]*>>>", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One statement of a text about a call. `quote` is how it was written."""

    call: Call
    expectation: Expectation
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A line of the session: its source, the names that it binds and reads, and whether it has only an effect.

    `is_state` marks a line that we made of an attribute shown in the session. `remakes` are names whose earlier
    value no longer matters.
    """

    source: str
    binds: frozenset[str]
    reads: frozenset[str]
    is_effect: bool
    is_state: bool = False
    remakes: frozenset[str] = frozenset()


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
    steps: list[_Step] = []
    for example in session[:EXAMPLES_MAX]:
        if example.options.get(doctest.SKIP):
            continue
        source = example.source.strip("\n")
        tree = module_or_none(source)
        if tree is None or not tree.body:
            continue
        state = _stated_state(example, tree, steps, surface)
        if state is not None:
            steps.append(state)
            continue
        test = _test(example, source, tree, steps, surface)
        if test is not None:
            found.append(test)
        if example.exc_msg is None:
            is_effect = test is None and not example.want
            steps.append(_step(source, tree, is_effect=is_effect))
    return found


def _stated_state(example: doctest.Example, tree: ast.Module, steps: list[_Step], surface: Surface) -> _Step | None:
    """An attribute shown on an object that the session never makes, before any other use: the state that it must have.

    `>>> parser.types` giving `{'a': int}` becomes `parser.types = {'a': int}`.
    """
    last = tree.body[-1]
    if len(tree.body) != 1 or not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Attribute):
        return None
    owner = last.value.value
    if not isinstance(owner, ast.Name) or owner.id in surface.names or _maker(owner.id, surface) is None:
        return None
    is_touched = any(not step.is_state and owner.id in step.reads | step.binds for step in steps)
    value = expression_or_none(example.want) if example.want else None
    if is_touched or value is None or not _is_known(value, "", surface) or surface.function.name == last.value.attr:
        return None
    source = f"{owner.id}.{last.value.attr} = {example.want.strip()}"
    return _Step(source=source, binds=frozenset(), reads=frozenset({owner.id}), is_effect=False, is_state=True)


def _step(source: str, tree: ast.Module, *, is_effect: bool) -> _Step:
    last = tree.body[-1]
    is_act = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call | ast.Await)
    does_something = not isinstance(last, ast.Expr) or (is_act and not is_condition(last.value))
    return _Step(
        source=source,
        binds=frozenset(bound_names(tree)),
        reads=frozenset(free_names(tree)) if does_something else frozenset(),
        is_effect=is_effect and does_something and not _is_statement(tree),
        remakes=_remade(tree),
    )


def _remade(tree: ast.Module) -> frozenset[str]:
    """The name to which a plain assignment gives a value without reading the old one."""
    statement = tree.body[-1]
    if len(tree.body) != 1 or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return frozenset()
    target = statement.targets[0]
    read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return frozenset({target.id} - read) if isinstance(target, ast.Name) else frozenset()


def _is_statement(tree: ast.Module) -> bool:
    return not isinstance(tree.body[-1], ast.Expr)


def _test(
    example: doctest.Example, source: str, tree: ast.Module, steps: list[_Step], surface: Surface
) -> Example | None:
    shown = all_of(tree.body[-1]) if set(example.want.split()) == {"True"} and len(tree.body) == 1 else None
    expression, own_setup = _split(source, tree)
    want, quote = example.want, f">>> {source}\n{example.want}".rstrip()
    comparison = _comparison(expression) if not want and example.exc_msg is None else None
    if comparison is not None:
        expression, want = comparison
    if not want and example.exc_msg is None:
        return None
    setup = _setup(steps, free_names(tree), surface)
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
    expectation = _expectation(example, want, expression, setup, surface)
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
        if isinstance(node, ast.Expr) and not _is_print(node.value):
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


def _setup(steps: list[_Step], needed: set[str], surface: Surface) -> str | None:
    """The earlier lines that a test depends on, in order. None if it uses an unbound name.

    A line counts if it binds a needed name, works on an object that the session made, or has only an effect. After a
    seed every line counts, because each may draw. If the session never makes a used object of the function's own class,
    it is made first.
    """
    made = {name for step in steps for name in step.binds}
    is_seeded = any(_SEEDS.search(step.source) for step in steps)
    needed = set(needed)
    chosen: list[str] = []
    for step in reversed(steps):
        is_on_object = bool(step.reads & needed & (made | surface.receivers.keys() | (needed - surface.names)))
        if is_seeded or step.is_effect or is_on_object or step.binds & needed:
            chosen.append(step.source)
            needed = (needed - step.remakes) | step.reads
    chosen.reverse()
    for name in sorted(needed - made - surface.names):
        maker = _maker(name, surface)
        if maker is None:
            return None
        chosen.insert(0, maker)
    return "\n".join(chosen)


def _maker(name: str, surface: Surface) -> str | None:
    """The statement that makes the object that a docstring calls `name`, if it is one of the function's class."""
    if name in surface.receivers:
        return surface.receivers[name]
    if surface.function.class_name is not None and surface.construct is not None:
        return f"{name} = {surface.construct}"
    return None


def _expectation(
    example: doctest.Example, want: str, expression: str, setup: str, surface: Surface
) -> Expectation | None:
    """The expectation of an example. None if the text can be neither a value nor output."""
    if example.exc_msg is not None:
        return _raises(example)
    text = want.rstrip("\n").replace("<BLANKLINE>", "")
    tree = expression_or_none(expression) if expression else None
    if tree is None or _is_print(tree):
        return None if _ADDRESS.search(text) else Prints(text=text)
    value = expression_or_none(text)
    if value is not None and not _has_ellipsis(value) and _is_known(value, setup, surface):
        is_silent = surface.function.signature.endswith("-> None") and _is_own_call(tree, surface)
        return Prints(text=text) if is_silent else Equals(expected=text.strip())
    if text.lstrip().startswith("<") or "..." in text or isinstance(value, ast.Call):
        return Shows(text=_ADDRESS.sub("...", text.strip()))
    return _output(text, value, surface)


def _output(text: str, value: ast.expr | None, surface: Surface) -> Expectation | None:
    """The expectation for text that is not a value: printed output, or a mistake of the author, which makes no test.

    Mistakes are a broken literal, a value with unbound names, and words although the docstring describes a returned
    value and no output. Printed lines above a quoted string belong to a function that returns the string.
    """
    last = text.strip().rsplit("\n", 1)[-1]
    if "\n" in text.strip() and last[:1] in {"'", '"'} and expression_or_none(last) is not None:
        return Equals(expected=last)
    if text.lstrip()[:1] in {"[", "{", "("} and value is None and "\n" not in text:
        return None
    if value is not None and not isinstance(value, ast.Name):
        return None
    docstring = surface.function.docstring.split(">>>")[0].lower()
    says_return = "return" in docstring or re.search(r"->(?!\s*None)", surface.function.signature) is not None
    return None if says_return and not _OUTPUT.search(docstring) else Prints(text=text)


def _is_print(tree: ast.expr) -> bool:
    name = _called(tree) if isinstance(tree, ast.Call) else ""
    return name in {"print", "pprint"}


def _called(tree: ast.Call) -> str:
    return tree.func.attr if isinstance(tree.func, ast.Attribute) else getattr(tree.func, "id", "")


def _raises(example: doctest.Example) -> Raises:
    found = _MESSAGE.match((example.exc_msg or "").strip())
    if found is None:
        return Raises(type_name=(example.exc_msg or "Exception").split(":")[0].strip())
    ignores = example.options.get(doctest.IGNORE_EXCEPTION_DETAIL)
    return Raises(type_name=found.group(1), message=None if ignores else (found.group(2) or None))


def _has_ellipsis(tree: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def _is_known(tree: ast.expr, setup: str, surface: Surface) -> bool:
    session = module_or_none(setup)
    return free_names(tree) <= surface.names | (bound_names(session) if session is not None else set())


def _is_own_call(tree: ast.expr, surface: Surface) -> bool:
    return isinstance(tree, ast.Call) and _called(tree) == surface.function.name
