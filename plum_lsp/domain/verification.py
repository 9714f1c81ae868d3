"""Tests, and the results of running them. Values only. `sandbox` runs and judges."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NewType, TypeAlias

TestId = NewType("TestId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class InModule:
    """The module of a project that a program is: imported as `name` once `import_root` is on `sys.path`.

    `base` is the whole document with its hole unfilled, the same for all candidates of a group. `hole_line` is the
    line of the hole in it, from 1. With `yields` the function around the hole is a generator before it is filled.
    """

    name: str
    path: str
    import_root: str
    is_package: bool
    base: str
    hole_line: int
    yields: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A module's source, run once before its tests. Tracebacks inside the sandbox show `filename`.

    With a `module` it is imported as that module of the project, else it is a separate module. `prelude` runs before
    it. The names that its `shadowing()` returns become names of the module. Its process can read all of `source`, so
    the source of a candidate has no comments and docstrings. `lines_added` are lines above the hole that the module's
    `base` has not, such as imports.
    """

    source: str
    filename: str = "program.py"
    module: InModule | None = None
    prelude: str = ""
    lines_added: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a program: run the statements `setup`, then evaluate `expression`.

    Both see the program's module namespace. Names that `setup` binds exist for this call only. If the expression is
    empty, only the setup runs. A coroutine result is awaited. A generator is read up to a bound.

    If `given` is not empty, the setup finds the value of this expression under the name `_`. The value is plain data
    that a child without the candidate computes after the statements `given_setup`.
    """

    expression: str
    setup: str = ""
    given: str = ""
    given_setup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """The call's value equals that of the Python expression `expected`, compared by value, floats within `tolerance`.

    `tolerance` is relative to the expected value (see `sandbox.judge`). None means the judge's default. `setup` are the
    statements that `expected` needs. If `derived` is given, the judge compares the result of this expression, with `_`
    bound to the value, instead of the value itself. The candidate's child sees none of these.
    """

    expected: str
    tolerance: float | None = None
    setup: str = ""
    derived: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raises:
    """The call raises `type_name` or a subclass of it.

    If `message` is given, the exception's text must equal it. If `pattern` is given, the regular expression must match
    in it.
    """

    type_name: str
    message: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """The call prints `text`, compared without trailing spaces and the last line end."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """The call's value has the representation `text` (`...` in it stands for anything)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The Python expression `predicate` is true after the statements `setup`, with `_` bound to the call's value.

    Both run in a second child on the decoded value, never in the candidate's child.
    """

    predicate: str
    setup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """The project's test `test` (`file::Class::function`) passes, run whole in the candidate's own process.

    Such a verdict can be forged by a program that reaches the test's surroundings. See `python.screening.plain`.
    `why` says in words why the test was chosen. `passes_idle` says that a function that does nothing passes it, too.
    """

    test: str
    why: str = ""
    passes_idle: bool = False


Expectation: TypeAlias = Equals | Raises | Prints | Shows | Holds | Passes


class Origin(enum.Enum):
    """Where a test came from: the value in the store, the words for people, and whether it is specification."""

    PROJECT = ("project", "the project's test", True)
    DOCTEST = ("doctest", "doctest", True)
    EXAMPLE = ("example", "example", True)
    GENERATED = ("generated", "generated", False)
    SAMPLED = ("sampled", "written by the model", False)
    COMPUTED = ("computed", "computed in the sandbox", False)
    TRIED = ("tried", "the test itself, on the code as it is", False)
    MUTANT = ("mutant", "a wrong version that the test notices", False)

    words: str
    is_specification: bool
    """Whether a person wrote the expected result."""

    def __new__(cls, value: str, words: str, is_specification: bool) -> Origin:
        """One line of the table. `Origin(value)` finds it."""
        origin = object.__new__(cls)
        origin._value_, origin.words, origin.is_specification = value, words, is_specification
        return origin


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One check of one behaviour. `quote` is the text that it was read from. The user sees it as evidence."""

    __test__ = False

    id: TestId
    call: Call
    expectation: Expectation
    origin: Origin
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The resources that one child may use. `wall_seconds` covers the program and all its calls."""

    wall_seconds: float = 2.0
    cpu_seconds: float = 2.0
    memory_bytes: int = 512 * 1024 * 1024
    output_bytes: int = 64 * 1024
    value_bytes: int = 1024 * 1024


Scalar: TypeAlias = bool | int | float | complex | str | bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A decoded container or object: inert data with no behaviour of its own.

    `kind` is one of list, tuple, set, frozenset, dict, namedtuple, dataclass, enum, exception, generator, object (and
    the like). `type_name` is the qualified name of the class. `items` are the parts in order (a dict alternates keys
    and values). `text` is a bounded representation.
    """

    kind: str
    type_name: str
    items: tuple[Value, ...]
    text: str = ""


Value: TypeAlias = Scalar | Node
_PLAIN = frozenset({"list", "tuple", "set", "frozenset", "dict", "deque", "range", "bytearray"})


def is_plain(value: Value) -> bool:
    """Whether any program can rebuild an equal value. This is false for objects, classes and iterators."""
    if not isinstance(value, Node) or value.kind == "literal":
        return True
    return value.kind in _PLAIN and value.kind == value.type_name and all(is_plain(item) for item in value.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An exception that ended a call: class names from the exception's own to `BaseException`, and its text."""

    type_names: tuple[str, ...]
    message: str


class Ending(enum.Enum):
    """How one call ended, as seen from outside the child."""

    RETURNED = "returned"
    RAISED = "raised"
    CRASHED = "crashed"
    """The child died, or its answer could not be decoded: exit, signal, broken frame."""
    TIMED_OUT = "timed_out"
    OVER_LIMIT = "over_limit"


DID_NOT_LOAD = "the program did not load: "
"""The start of an observation's detail if the program ended before its first call. The error follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The result of one call, as plain data that the trusted side decoded. `detail` explains a crash or a limit."""

    ending: Ending
    value: Value = None
    raised: Raised | None = None
    printed: str = ""
    detail: str = ""
    wall_ms: float = 0.0

    @property
    def is_cut_off(self) -> bool:
        """Whether a limit ended the call before it gave a result."""
        return self.ending is Ending.TIMED_OUT or self.ending is Ending.OVER_LIMIT


class VerdictStatus(enum.Enum):
    """The result of running one candidate on one test."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    TIMED_OUT = "timed_out"
    OVER_LIMIT = "over_limit"
    UNDECIDED = "undecided"
    """It returned a value whose class is known to the candidate alone. The test is neither passed nor failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one candidate on one test. `shown` is the observed result as bounded text for display.

    `is_beside`: a test that was run whole raised in another function of the document. It is not stored.
    """

    test_id: TestId
    status: VerdictStatus
    shown: str
    wall_ms: float
    is_beside: bool = False

    @property
    def is_pass(self) -> bool:
        """Whether the candidate did what the test expects."""
        return self.status is VerdictStatus.PASSED


class RunOutcome(enum.Enum):
    """How a test of the project ended that was run whole."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    """It raised outside the document, or the jail refused something: it may not be the program's fault."""
    ERRORED_BESIDE = "errored_beside"
    """It raised in the document, but not in the function at the hole. A wrong result of the function may cause that."""
    TIMED_OUT = "timed_out"
    NOT_RUN = "not_run"
    """It was skipped, is expected to fail, cannot be found, or its turn did not come."""
    UNCOLLECTED = "uncollected"
    """Its file could not be imported, as `shown` says. The file may call the function at the hole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """One test of the project, run whole. `is_reached`: the function at the hole was called, if that was asked for.

    If its file could not be imported, `is_reached` says that the document raised the exception.
    """

    __test__ = False

    test: str
    outcome: RunOutcome
    is_reached: bool = False
    shown: str = ""
    wall_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedTest:
    """A test of the project, run with the files as they are saved. `called` are the functions that it called.

    Each is the absolute path of its file and its qualified name, as in `Class.method`.
    """

    run: TestRun
    called: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTier:
    """The isolation in force, stored with every verdict. `layers` names each layer. `name` is short and stable."""

    name: str
    layers: tuple[str, ...]
    python_version: str
