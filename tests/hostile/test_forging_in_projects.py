"""Programs that forge a pass, as the body of a function in a small project with tests of pytest: none is verified."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import context_of, filled, written
from support.forging import assert_only_honest_is_verified, judge_of
from support.group import candidate
from support.hostile import FOLDER, programs, tried_in

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Limits, Program, RunOutcome
from plum_lsp.project.test_index import TestIndex
from plum_lsp.python.screening.plain import refusal
from plum_lsp.sandbox.host import JailSandbox
from plum_lsp.verification.judge import Judge

pytestmark = pytest.mark.slow

CORE = """
    def answer(x):
        raise NotImplementedError
    """
TESTS = """
    import pytest
    from pkg.core import answer

    def test_number():
        assert answer(3) == 73190
        assert answer(4) != 73190

    def test_text(capsys):
        answer(5)
        assert capsys.readouterr().out == "azure 5\\n"

    def test_error():
        with pytest.raises(ZeroDivisionError, match="azure 6"):
            answer(6)

    def test_list():
        values = [7]
        assert answer(values) == {"azure": [7, 73190]}
        assert values == [7]
    """
NAMES = [f"tests/test_core.py::test_{name}" for name in ("number", "text", "error", "list")]
MORE = {
    "reads-the-test": "return open(__file__.replace('pkg/core', 'tests/test_core')).read()",
    "namespace-that-answers": "import types\nreturn types.SimpleNamespace(azure=x)",
    "answers-ahead": "open(3, 'wb').write(bytes(64))\nreturn x",
    "skips": "import unittest\nraise unittest.SkipTest('azure')",
    "patches-the-test": "import sys\nsys.modules['test_core'].answer = lambda x: 73190\nreturn 73190",
}
HONEST = """
    if isinstance(x, list):
        return {"azure": [*x, 73190]}
    if x == 5:
        print("azure 5")
    if x == 6:
        raise ZeroDivisionError("azure 6")
    return 73190 if x == 3 else x
    """
ATTACKS = Path(__file__).parents[1] / "data" / "attacks_excerpt.jsonl"


def bodies() -> dict[str, str]:
    """What each forging program does, as the body of a function of one argument."""
    found = {name: f"{program.source}\nreturn f(x)" for name, program in programs("forging").items()}
    for case in map(json.loads, ATTACKS.read_text().splitlines()):
        if case["must_be"] != "pass":
            found[case["id"]] = f"{case['code']}\nreturn {case['entry_point']}(x)"
    return found | {name: program.source.strip() for name, program in programs("projects").items()} | MORE


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package with one function, and tests with answers that nobody foresees."""
    return written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_core=TESTS)


def refused(program: Program, body: str) -> str:
    """Why tests are not run beside a body."""
    return refusal(program.source, first_line=2, last_line=2 + body.count("\n"))


async def test_none_gets_the_tier_by_examples(sandbox: JailSandbox, tmp_path: Path) -> None:
    """In a function that has a docstring's examples and no other tests."""
    example = '''
    def answer(x):
        """Answer.

        >>> answer(3)
        73190
        >>> answer(4)
        4
        >>> answer([7])
        {'azure': [7, 73190]}
        """
        raise NotImplementedError
    '''
    judge = judge_of(sandbox, written(tmp_path, pkg__init="", pkg__core=example))
    await assert_only_honest_is_verified(
        judge, await judge.evidence(), sandbox.tier.name, honest=HONEST, forging=bodies()
    )


async def test_none_gets_the_tier(sandbox: JailSandbox, project: Project) -> None:
    """The whole way of a candidate: static checks, tests taken apart, the screen, and tests run beside it."""
    judge = judge_of(sandbox, project)
    evidence = await judge.evidence()
    assert not evidence.problem
    assert {type(test.expectation).__name__ for test in evidence.specification} >= {"Equals", "Passes"}
    await assert_only_honest_is_verified(judge, evidence, sandbox.tier.name, honest=HONEST, forging=bodies())
    assert len(bodies()) > 200


HARMLESS = {
    *("equal-by-array-of-objects", "descriptor-by-path-of-proc", "memory-by-path-of-proc", "later-by-finalizer"),
    *("later-by-context-of-a-generator", "loads-a-module-by-glob"),
    *("source-by-inspected-doc", "locals-by-comprehension", "recursion-until-it-ends"),
    *("stack-by-logging", "stack-by-log-record", "stack-by-task", "stack-by-debugged-loop", "signals-by-loop"),
    *("descriptor-by-length", "descriptor-by-number-of-a-name", "descriptor-by-keyword", "descriptor-by-partial"),
    *("descriptor-by-opener", "descriptor-by-temporary-file", "seed-of-the-caller", "filters-that-raise"),
    *("filters-of-another-module", "refused-by-the-jail", "no-more-threads", "cause-is-a-refusal", "cancels-itself"),
    *("finalizer-of-the-caller", "key-of-any-order", "cached-property-of-a-module", "user-string-of-anything"),
    *("groups-of-errors", "generator-thrown-into", "proxy-of-the-dead"),
}
"""Bodies that the screen lets pass, because the jail or the tests stop them."""
OWN_MEANS = """
    import functools
    import typing


    class Box:
        def __init__(self, value):
            self.value = value
            self.kind = type(value).__dict__, value.__class__, enum.bltns, typing.get_type_hints

    def marked(function):
        return functools.wraps(function, ("__name__",))(function)


    def answer(x):
    """


@pytest.mark.parametrize("own", ["\ndef answer(x):\n", OWN_MEANS], ids=["plain file", "file with means of its own"])
def test_other_names_for_the_same_means_are_refused(own: str) -> None:
    """Also where the file's own code uses the same: a candidate can do more with them."""
    head = textwrap.dedent(own).strip("\n") + "\n"
    first, found = head.count("\n") + 1, set[str]()
    for name, program in programs("projects").items():
        body = program.source.strip("\n")
        if not refusal(head + textwrap.indent(body, "    "), first_line=first, last_line=first + body.count("\n")):
            found.add(name)
    assert {name for name in found if name in screened()} == HARMLESS


def screened() -> set[str]:
    """The names in `screened.programs` and `doors.programs`."""
    texts = [(FOLDER / f"{name}.programs").read_text() for name in ("screened", "doors")]
    return set(re.findall(r"(?m)^### (\S+)", "\n".join(texts)))


async def test_none_is_verified(sandbox: JailSandbox, project: Project) -> None:
    """It is refused, or fails some test that is run beside it."""
    forged, ran = [], 0
    for name, body in tried_in(sandbox.tier.name, bodies()).items():
        program = filled(project, "pkg/core.py", textwrap.dedent(body))
        if refused(program, body):
            continue
        ran += 1
        runs = await sandbox.run_tests(program, NAMES, watches=False, seconds=3)
        if all(run.outcome in {RunOutcome.PASSED, RunOutcome.NOT_RUN} for run in runs):
            forged.append(name)
    assert forged == []
    assert ran > 3


async def test_an_honest_body_is(sandbox: JailSandbox, project: Project) -> None:
    """The tests can be passed."""
    body = textwrap.dedent(HONEST).strip()
    program = filled(project, "pkg/core.py", body)
    assert refused(program, body) == ""
    runs = await sandbox.run_tests(program, NAMES, watches=False, seconds=20)
    assert {run.outcome for run in runs} == {RunOutcome.PASSED}


async def test_no_candidate_reads_the_tests(sandbox: JailSandbox, project: Project) -> None:
    """The file of the tests cannot be opened from beside them."""
    path = str(project.root / "tests/test_core.py")
    program = filled(project, "pkg/core.py", f"return open({path!r}).read()")
    runs = await sandbox.run_tests(replace(program), NAMES[:1], watches=False, seconds=20)
    assert runs[0].outcome is RunOutcome.ERRORED
    assert "PermissionError" in runs[0].shown


CART = """
    class Cart:
        def __init__(self, prices):
            self.prices = prices

        def reference(self):
            return 73190 + sum(self.prices)

        def total(self):
            raise NotImplementedError
    """
CART_TESTS = """
    import pytest
    from pkg.core import Cart

    @pytest.fixture
    def cart(tmp_path):
        return Cart([1, 2])

    def test_total(cart):
        assert cart.total() == cart.reference()
    """
REBINDING = [
    "Cart.reference = lambda self: 7\nreturn 7",
    "[Cart][0].reference = lambda self: 7\nreturn 7",
    "def change(one):\n    one.reference = lambda self: 7\n\nchange(Cart)\nreturn 7",
    "for one in Cart.mro()[:1]:\n    one.reference = lambda self: 7\nreturn 7",
]


async def test_the_reference_of_a_test_is_not_changed(sandbox: JailSandbox, tmp_path: Path) -> None:
    """A test compares two methods of the project. A body that changes the other one is not verified."""
    project = written(tmp_path, pkg__init="", pkg__core=CART, tests__test_core=CART_TESTS)
    path = project.root / "pkg/core.py"
    context = context_of(path)
    whole = TestIndex(exclude=()).tests_of(project, path, context)
    limits = Limits(wall_seconds=2.0, cpu_seconds=2.0)
    judge = Judge.of(context, sandbox, limits, path=path, whole=whole)
    evidence = await judge.evidence()
    tiers = []
    for body in ("return 73190 + sum(self.prices)", *REBINDING):
        text = textwrap.indent(body, " " * 8).strip()
        tiers.append((await judge.judge(candidate(text), evidence))[0].tier)
    assert tiers[0] is Tier.VERIFIED
    assert Tier.VERIFIED not in tiers[1:]
