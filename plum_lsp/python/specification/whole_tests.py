"""Finds a project's tests that may call a function, directly or through others, from names alone.

It follows the function's name through the code that mentions it: functions of the document and of other modules,
fixtures, and finally tests. It prefers too many tests to too few. A run with the hole unfilled shows which ones reach
the function.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from plum_lsp.domain.verification import Call, Origin, Passes, TestCase, TestId
from plum_lsp.python.reading.placeholder import is_placeholder
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.specification.registered import keepers

DEPTH_MAX = 5
"""The most functions between a test and the function."""
FILES_MAX, BATCH_MAX = 6, 96
"""The most test files, and tests, that are run at a time with the hole unfilled."""
OTHER_FILE_STEPS = 2
"""How many functions further away a test counts that does not name the function, in a file of another name."""
COMMON_STEPS = 3
"""How many functions further away a test counts as that uses a common name only."""
COMMON_FILES_MIN, COMMON_SHARE = 10, 0.05
"""A name is common if tests of more files use it than this number, and than this share of all files with tests."""
NAMES_MAX = 400
"""The most names that are followed."""
FEW = 24
"""If fewer tests than this are found, the search is widened."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_COMMON = frozenset({"self", "cls", "setUp", "tearDown", "__init__", "len", "str", "int", "dict", "list"})
_STARTS = frozenset({"main", "run"})
"""Functions that start a program reach most of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A function of a file and the names in it. `name` includes its class, joined by `::`. pytest runs it if `is_test`.

    A class is also one, with the names in its attributes. `bases` are the classes that it inherits from. `texts` are
    those of the `mentions` that are words in strings and no names. If `is_keeper`, the name is of a table or a
    decorator through which the functions that it mentions may be called.
    """

    name: str
    mentions: frozenset[str]
    is_test: bool
    bases: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    is_keeper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A file and the functions in it.

    `path` is relative to the project. With `is_near` it is named after the document.
    """

    path: str
    functions: tuple[Defined, ...]
    is_near: bool = False


def indexed(text: str) -> tuple[Defined, ...]:
    """The functions of a file's text. Empty if it does not parse."""
    tree = module_or_none(text)
    if tree is None:
        return ()
    kept = (Defined(name=one, mentions=names, is_test=False, is_keeper=True) for one, names in keepers(tree, text))
    return (*_defined(tree.body, "", _NONE), *kept)


def _defined(body: Sequence[ast.stmt], prefix: str, inherited: _Mentions) -> Iterator[Defined]:
    """Functions and methods. A test of a class also mentions the names in the setup of the class."""
    for node in body:
        if isinstance(node, _Function):
            is_test = node.name.startswith("test")
            found = _mentions([node]).joined(inherited if is_test else _NONE)
            yield Defined(name=f"{prefix}{node.name}", mentions=found.all, is_test=is_test, texts=found.texts)
            if not is_test:
                yield from _made_in(node, prefix)
        elif isinstance(node, ast.ClassDef):
            setups = [one for one in node.body if not (isinstance(one, _Function) and one.name.startswith("test"))]
            shared = _mentions([*setups, *node.decorator_list, *node.bases])
            yield from _defined(node.body, f"{prefix}{node.name}::", shared)
            bases = tuple(_last(base) for base in node.bases)
            found = _mentions([*node.bases, *_values(node)])
            name = f"{prefix}{node.name}"
            yield Defined(name=name, mentions=found.all, is_test=False, bases=bases, texts=found.texts)
        elif isinstance(node, ast.If | ast.Try | ast.For | ast.With):
            yield from _defined(node.body, prefix, inherited)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found = _mentions([node.value])
                    yield Defined(name=target.id, mentions=found.all, is_test=False, texts=found.texts)


def _made_in(function: _Function, prefix: str) -> Iterator[Defined]:
    """The tests and classes in a function that makes tests. A test also mentions what stands around it there."""
    inner = [one for one in function.body if isinstance(one, _Function | ast.ClassDef)]
    if inner:
        shared = _mentions([one for one in function.body if one not in inner])
        made = _defined(function.body, f"{prefix}{function.name}::", shared)
        yield from (one for one in made if one.is_test or one.bases)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _values(node: ast.ClassDef) -> list[ast.AST]:
    return [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]


@dataclass(frozen=True, slots=True)
class _Mentions:
    """The words in a part of a file: names, and words of texts."""

    names: frozenset[str]
    words: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.names | self.words

    @property
    def texts(self) -> frozenset[str]:
        return self.words - self.names

    def joined(self, other: _Mentions) -> _Mentions:
        return _Mentions(self.names | other.names, self.words | other.words)


_NONE = _Mentions(frozenset(), frozenset())


def _mentions(nodes: Iterable[ast.AST]) -> _Mentions:
    """Names, attributes, arguments and short words in texts, because tables in tests also name functions."""
    found: set[str] = set()
    words: set[str] = set()
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).split(".")[-1])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                words.add(node.value)
    return _Mentions(frozenset(found), frozenset(words))


Mentioning = Callable[[AbstractSet[str]], Sequence[Indexed]]
"""Gives the files that mention one of some names."""


def tests_reaching(
    names: Sequence[str],
    mentioning: Mentioning,
    *,
    limit: int,
    stem: str = "",
    is_everywhere: Callable[[str], bool] = lambda name: False,
) -> tuple[TestCase, ...]:
    """The tests that may reach `names`, likeliest first: by the number of functions between, then by the file's name.

    `names` are the function's own, then the class's. Tests of the class come after those of the function. `stem` is the
    name of the document's module. Names that are `is_everywhere` are not followed. If this finds few tests, those
    of a wider search follow.
    """
    found: dict[str, TestCase] = {}
    for is_wide in (False, True):
        if len(found) < FEW:
            depth, files = _depths(names, mentioning, is_everywhere, is_wide=is_wide)
            for case in _ranked(names, depth, files, stem):
                found.setdefault(test_of(case), case)
    return tuple(found.values())[:limit]


def _ranked(names: Sequence[str], depth: Mapping[str, int], files: Sequence[Indexed], stem: str) -> list[TestCase]:
    """The tests of the files that mention a name with a distance, likeliest first."""
    owner = names[1] if len(names) > 1 else names[0]
    common = _common(files, depth.keys() - set(names))
    bases = _bases(files)
    classes = _Classes.of(files)
    found: list[tuple[tuple[bool, int, bool, bool, bool, str, int], str]] = []
    why: dict[str, str] = {}
    for file in files:
        tests = [*(function for function in file.functions if function.is_test), *_inherited(file, classes)]
        is_about = any(owner in function.mentions for function in file.functions)
        is_own = _stem_of(file.path) == stem.strip("_")
        for place, function in enumerate(tests):
            known = (name for name in function.mentions if name in depth)
            near = min(((depth[name] + COMMON_STEPS * (name in common), name) for name in known), default=None)
            if near is not None:
                steps = near[0] + (0 if is_own or near[1] in names else OTHER_FILE_STEPS)
                is_hidden, is_slow = not _is_collected(function.name, bases), "given" in function.mentions
                rank = (is_hidden, steps, is_slow, not is_about, not file.is_near, file.path, place)
                test = f"{file.path}::{function.name}"
                found.append((rank, test))
                why[test] = f"names {near[1]}" + ("" if near[1] in names else ", which may call it")
    return [case_of(test, why[test]) for test in dict.fromkeys(test for _, test in sorted(found))]


def _stem_of(path: str) -> str:
    """The module that a test file is named after."""
    name = path.rpartition("/")[2].removesuffix(".py")
    return name.removeprefix("test_").removesuffix("_test").removesuffix("_tests").strip("_")


def _common(files: Sequence[Indexed], names: AbstractSet[str]) -> frozenset[str]:
    """The names that tests of many files use. They often mean something else than the function on the way."""
    counts: Counter[str] = Counter()
    tested = 0
    for file in files:
        mentioned = {name for function in file.functions if function.is_test for name in function.mentions}
        tested += bool(mentioned)
        counts.update(mentioned & names)
    return frozenset(name for name, count in counts.items() if count > max(COMMON_FILES_MIN, tested * COMMON_SHARE))


def _bases(files: Sequence[Indexed]) -> dict[str, set[str]]:
    """The classes of the files, by their last names, with the last names of the classes that they inherit from."""
    found: dict[str, set[str]] = {}
    for function in (function for file in files for function in file.functions if function.bases):
        found.setdefault(function.name.rpartition("::")[2], set()).update(function.bases)
    return found


def _is_collected(test: str, bases: Mapping[str, set[str]]) -> bool:
    """Whether pytest runs a test by default: its class is called `Test…` or inherits from a `TestCase`."""
    pending, seen = test.split("::")[:-1], set[str]()
    if not pending or pending[0].startswith("Test"):
        return True
    while pending:
        name = pending.pop()
        if name.endswith("TestCase"):
            return True
        if name not in seen:
            seen.add(name)
            pending += bases.get(name, ())
    return False


def in_batches(tests: Sequence[TestCase]) -> Iterator[list[TestCase]]:
    """The tests in batches that can be collected at a time: of few files, each batch as near as possible."""
    left = list(tests)
    while left:
        files: set[str] = set()
        batch: list[TestCase] = []
        for test in left:
            path = test_of(test).partition("::")[0]
            if len(batch) < BATCH_MAX and (path in files or len(files) < FILES_MAX):
                files.add(path)
                batch.append(test)
        yield batch
        left = [test for test in left if test not in batch]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classes:
    """The top-level classes of files by their names: the bases of each, and its tests."""

    bases: Mapping[str, Sequence[str]]
    tests: Mapping[str, Sequence[Defined]]

    @classmethod
    def of(cls, files: Sequence[Indexed]) -> _Classes:
        bases: defaultdict[str, list[str]] = defaultdict(list)
        tests: defaultdict[str, list[Defined]] = defaultdict(list)
        for function in (function for file in files for function in file.functions):
            name, _, member = function.name.partition("::")
            if not member:
                bases[name] += function.bases
            elif member.startswith("test"):
                tests[name].append(function)
        return cls(bases=bases, tests=tests)


def _inherited(file: Indexed, classes: _Classes) -> Iterator[Defined]:
    """The tests that the classes of a file inherit from classes with the names of their bases, here or elsewhere."""
    own = {function.name for function in file.functions}
    for one in file.functions:
        pending, seen = list(one.bases), set[str]()
        while pending:
            base = pending.pop()
            if base in seen:
                continue
            seen.add(base)
            pending += classes.bases.get(base, ())
            for test in classes.tests.get(base, ()):
                name = f"{one.name}::{test.name.partition('::')[2]}"
                if name not in own:
                    yield Defined(name=name, mentions=test.mentions | one.mentions, is_test=True)


def _depths(
    names: Sequence[str], mentioning: Mentioning, is_everywhere: Callable[[str], bool], *, is_wide: bool
) -> tuple[dict[str, int], Sequence[Indexed]]:
    """The distance of each name from the function, and the files looked at.

    Code that mentions a name is one step further. With `is_wide` a method is also reached through its class, because
    its own name may be called on any object, through the functions that start a program, and through what keeps it.
    """
    depth = {name: place for place, name in enumerate(names)}
    files = mentioning(depth.keys())
    for _ in range(DEPTH_MAX):
        more: dict[str, int] = {}
        followed = (
            one for file in files for one in file.functions if not one.is_test and (is_wide or not one.is_keeper)
        )
        for function in followed:
            steps = [depth[name] + 1 for name in function.mentions if name in depth]
            for called in _called(function.name, is_wide=is_wide) if steps else ():
                if called not in depth and not is_everywhere(called):
                    more[called] = min(*steps, more.get(called, DEPTH_MAX + 1))
        depth |= dict(list(more.items())[: max(0, NAMES_MAX - len(depth))])
        files = mentioning(depth.keys())
        if not more:
            break
    return depth, files


def _called(name: str, *, is_wide: bool) -> set[str]:
    """The names that callers of a function use. For a special method this is its class."""
    owner, _, own = name.rpartition("::")
    owner = owner.rpartition("::")[2]
    is_special = own.startswith("__") and own.endswith("__") and bool(owner)
    found = {owner} if is_special else {own, owner} if is_wide and owner else {own}
    return found - (_COMMON if is_wide else _COMMON | _STARTS)


def named_function(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The last definition of a function with a qualified name (`Class.method`). None if there is none."""
    found = _named(tree.body, name.split("."))
    return found[-1] if found else None


def is_complete(text: str, name: str) -> bool:
    """Whether a function in a saved text has a body that does something. False if it is not there."""
    tree = module_or_none(text)
    node = named_function(tree, name) if tree is not None else None
    return node is not None and not all(map(is_placeholder, node.body))


def _named(body: Sequence[ast.AST], names: Sequence[str]) -> list[_Function]:
    """The functions with a qualified name, also those in branches and in other functions."""
    found: list[_Function] = []
    for node in body:
        if isinstance(node, _Function | ast.ClassDef):
            if node.name != names[0]:
                continue
            if len(names) > 1:
                found += _named(node.body, names[1:])
            elif isinstance(node, _Function):
                found.append(node)
            continue
        for field in ("body", "orelse", "handlers", "finalbody", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                found += _named(inner, names)
    return found


def case_of(test: str, why: str) -> TestCase:
    """A test of the project (`file::Class::function`) that is run whole, with the reason for its choice."""
    identity = hashlib.blake2s(test.encode(), digest_size=8).hexdigest()
    return TestCase(
        id=TestId(f"whole-{identity}"),
        call=Call(expression=""),
        expectation=Passes(test=test, why=why),
        origin=Origin.PROJECT,
        quote=test,
    )


def test_of(test: TestCase) -> str:
    """The test function that a test case runs, or from which it was read. Empty for any other."""
    if isinstance(test.expectation, Passes):
        return test.expectation.test
    path, _, name = test.quote.split(": ")[0].partition("::")
    return f"{path}::{name.replace('.', '::')}" if test.origin is Origin.PROJECT else ""
