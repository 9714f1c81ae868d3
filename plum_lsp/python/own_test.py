"""The test function at the hole: how it is run, which functions it may test, and wrong versions of them.

Pure: it makes calls for the sandbox and reads what they show. A wrong version (`mutants`) takes the place of the
function's code in the test's own process.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import Call, Equals, Node, Observation, Origin, TestCase, TestId
from plum_lsp.python.mutants import mutants_of
from plum_lsp.python.reading.sources import class_body, module_or_none
from plum_lsp.python.specification.whole_tests import named_function

SUBJECTS_MAX = 40
"""The most functions that are looked at for a test file."""
MUTANTS_MAX = 8
"""The most wrong versions that a test is run on. Each costs a process."""
SOURCE_CHARACTERS_MAX = 8_000
"""A longer function is not changed."""
LINE_CHARACTERS_MAX = 60
NOT_INSTALLED = "the wrong version could not take its place"
_CALL = re.compile(r"[A-Za-z_][\w.]*")

_LOOK = """\
def _look(space, root):
    import inspect, sys
    found = []
    def add(value):
        value = getattr(value, "__func__", value)
        value = value.fget if isinstance(value, property) else value
        value = inspect.unwrap(value) if callable(value) else value
        if not inspect.isfunction(value) or len(found) >= {most}:
            return
        file = getattr(sys.modules.get(value.__module__), "__file__", None) or ""
        if value.__module__ == space.get("__name__") or "site-packages" in file or not file.startswith(root):
            return
        try:
            found.append((value.__module__, value.__qualname__, inspect.getsource(value)))
        except (OSError, TypeError):
            pass
    for value in list(space.values()):
        if inspect.isclass(value):
            for member in list(vars(value).values()):
                add(member)
        elif inspect.ismodule(value):
            for member in list(vars(value).values()):
                if getattr(member, "__module__", "") == value.__name__:
                    add(member)
        else:
            add(value)
    return found
"""
_INSTALL = """\
def _install():
    import inspect, sys
    try:
        module = sys.modules[{module!r}]
        target = module
        for part in {qualified!r}.split("."):
            target = vars(target)[part]
        target = getattr(target, "__func__", target)
        target = target.fget if isinstance(target, property) else target
        target = inspect.unwrap(target)
        space = dict(vars(module))
        exec(compile({source!r}, "<wrong version>", "exec"), space)
        target.__code__ = space[{name!r}].__code__
    except Exception:
        return False
    return True
_is_installed = _install()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTest:
    """The test function that the hole is in. `name` is its own, and `call` runs it.

    If only pytest can run it, `node` is its place in the file for pytest, and `call` shows that place.
    """

    name: str
    call: Call
    node: str = ""

    @property
    def case(self) -> TestCase:
        """The run of the test itself."""
        return _case(f"own-{self.name}", self.call, Origin.TRIED, self.call.expression)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A function of the project that a test can reach. `source` is its text, without decorators and indentation."""

    module: str
    qualified_name: str
    source: str

    @property
    def name(self) -> str:
        """Its bare name."""
        return self.qualified_name.rpartition(".")[2]

    @property
    def owner(self) -> str:
        """The bare name of its class. Empty for a function."""
        return self.qualified_name.rpartition(".")[0].rpartition(".")[2]

    @property
    def is_special(self) -> bool:
        """Whether operators and the language call it."""
        return self.name.startswith("__") and self.name.endswith("__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A wrong version of a function. `case` is the test run on it. Its quote says what is wrong."""

    subject: Subject
    case: TestCase


def own_test_of(context: Context) -> OwnTest | None:
    """The test function at the hole. None elsewhere. Only pytest can run one with parameters or decorators."""
    function = context.function
    if function is None or function.is_nested or context.place.is_prose:
        return None
    if not re.fullmatch(r"test(?:_\w*)?", function.name):
        return None
    if function.class_name is not None and not _CALL.fullmatch(function.class_name):
        return None
    parameters = [name for name in function.parameters if name != "self"]
    if parameters or function.decorators:
        node = "::".join([*(function.class_name or "").split("."), function.name]).removeprefix("::")
        return OwnTest(name=function.name, call=Call(expression=node), node=node)
    if function.class_name is None:
        return OwnTest(name=function.name, call=Call(expression=f"{function.name}()"))
    header = class_body(context.before, function.class_name).partition(":")[0]
    is_case = "TestCase" in header
    made = f"{function.class_name}({function.name!r}).debug" if is_case else f"{function.class_name}().{function.name}"
    return OwnTest(name=function.name, call=Call(expression=f"{made}()"))


def look(root: str) -> Call:
    """The call that shows the functions of the project below `root` that the program's names give."""
    return Call(setup=_LOOK.format(most=SUBJECTS_MAX), expression=f"_look(globals(), {root!r})")


def subjects_in(seen: Observation) -> tuple[Subject, ...]:
    """The functions that `look` has shown. Empty if it failed."""
    value = seen.value
    found = [_subject(one) for one in value.items] if isinstance(value, Node) else []
    return tuple({(one.module, one.qualified_name): one for one in found if one is not None}.values())


def _subject(value: object) -> Subject | None:
    items = value.items if isinstance(value, Node) else ()
    texts = [one for one in items if isinstance(one, str)]
    if len(items) != 3 or len(texts) != 3 or "<locals>" in texts[1] or len(texts[2]) > SOURCE_CHARACTERS_MAX:
        return None
    tree = module_or_none(dedent(texts[2]))
    node = tree.body[0] if tree is not None and tree.body else None
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    node.decorator_list = []
    if ast.get_docstring(node, clean=False) is not None and len(node.body) > 1:
        del node.body[0]
    return Subject(module=texts[0], qualified_name=texts[1], source=ast.unparse(node))


def subjects_of(test: OwnTest, source: str, subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """The functions that a test names: those in its own name, or all. `source` is the program with the test.

    A class that it names stands for its special methods, because operators call them.
    """
    tree = module_or_none(source)
    named_there = {
        node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        for function in (ast.walk(tree) if tree is not None else ())
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name == test.name
        for node in ast.walk(function)
    }
    found = [one for one in subjects if one.name in named_there or (one.is_special and one.owner in named_there)]
    named = [one for one in found if f"_{one.name.strip('_')}_" in f"{test.name}_"]
    return tuple(named or found)


def wrong_versions(test: OwnTest, subjects: Sequence[Subject]) -> tuple[Wrong, ...]:
    """At most `MUTANTS_MAX` wrong versions of the functions, in turns."""
    made = [list(_wrong(test, one)) for one in subjects]
    longest = max(map(len, made), default=0)
    turns = [each[turn] for turn in range(longest) for each in made if turn < len(each)]
    return tuple(turns[:MUTANTS_MAX])


def _wrong(test: OwnTest, subject: Subject) -> Iterator[Wrong]:
    last = subject.source.count("\n") + 1
    for mutant in mutants_of(subject.source, first_line=2, last_line=last, limit=MUTANTS_MAX):
        setup = _INSTALL.format(
            module=subject.module, qualified=subject.qualified_name, source=mutant.source, name=subject.name
        )
        expression = f"{test.call.expression} if _is_installed else {NOT_INSTALLED!r}"
        said = f"{subject.qualified_name} with {_difference(subject.source, mutant.source)}"
        digest = hashlib.blake2s(f"{subject.module}\n{mutant.source}".encode(), digest_size=8).hexdigest()
        call = Call(setup=setup, expression=expression)
        yield Wrong(subject=subject, case=_case(f"wrong-{digest}", call, Origin.MUTANT, said))


def planted(test: OwnTest, source: str, wrong: Wrong) -> str | None:
    """The program whose test first puts the wrong version in place, for pytest. None if the test has no line for it.

    The test is skipped if the version cannot take its place. No other part of the program changes, because children
    of a process that has collected the tests can only exchange the bodies of functions.
    """
    tree = module_or_none(source)
    function = named_function(tree, test.node.replace("::", ".")) if tree is not None else None
    if function is None or function.body[0].lineno == function.lineno:
        return None
    first = function.body[0]
    skip = f"if not _is_installed:\n    import pytest\n    pytest.skip({NOT_INSTALLED!r})\n"
    line = f"{' ' * first.col_offset}exec({wrong.case.call.setup + skip!r}, {{}})\n"
    lines = source.splitlines(keepends=True)
    return "".join([*lines[: first.lineno - 1], line, *lines[first.lineno - 1 :]])


def _difference(right: str, wrong: str) -> str:
    """The first line that is another one, as it was and as it is."""
    before, after = ([line.strip() for line in text.split("\n")] for text in (right, wrong))
    place = next((place for place, pair in enumerate(zip(before, after, strict=False)) if len(set(pair)) > 1), None)
    if place is None:
        return "lines left out"
    return f"`{after[place][:LINE_CHARACTERS_MAX]}` in place of `{before[place][:LINE_CHARACTERS_MAX]}`"


def _case(identity: str, call: Call, origin: Origin, quote: str) -> TestCase:
    return TestCase(id=TestId(identity), call=call, expectation=Equals(expected="None"), origin=origin, quote=quote)
