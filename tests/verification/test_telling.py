"""Which of a project's tests are kept to judge candidates, in the real jail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from support.documents import context_of, filled, written
from support.group import candidate

from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Call, Limits, Origin, Passes, TestCase, TestId
from plum_lsp.python.specification.whole_tests import FILES_MAX
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification import whole
from plum_lsp.verification.judge import Judge

pytestmark = pytest.mark.slow

CORE = """
    def total(numbers):
        raise NotImplementedError


    def kept(numbers):
        return numbers
    """
NAMING = """
    from pkg.core import kept, total

    def test_names():
        assert kept([total])
    """
TELLING = """
    from pkg.core import total

    def test_tells():
        assert total([1, 2]) == 3
    """
FILES = 2 * FILES_MAX


def case(name: str) -> TestCase:
    """A test that is run whole."""
    return TestCase(
        id=TestId(name), call=Call(expression=""), expectation=Passes(test=name), origin=Origin.PROJECT, quote=name
    )


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[JailSandbox]:
    """A jail with a project of which two test files tell: the first one, and one that does not fit into its batch."""
    texts = {f"tests__test_{number:02}": TELLING if number in (0, FILES - 1) else NAMING for number in range(FILES)}
    project = written(tmp_path, pkg__init="", pkg__core=CORE, **texts)
    opened = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    assert isinstance(opened, JailSandbox)
    try:
        yield opened
    finally:
        await opened.close()


def names(tests: Sequence[TestCase]) -> list[str]:
    """The tests' names."""
    return whole.names_of(tests)


ALL = [
    f"tests/test_{number:02}.py::{'test_tells' if number in (0, FILES - 1) else 'test_names'}"
    for number in range(FILES)
]


async def test_while_few_tell_more_are_tried(sandbox: JailSandbox) -> None:
    """The first batch has one. The second one has another."""
    assert sandbox.project is not None
    reference = filled(sandbox.project, "pkg/core.py")
    kept = await whole.telling(sandbox, reference, [case(name) for name in ALL])
    assert names(kept) == [ALL[0], ALL[-1]]


async def test_enough_are_enough(sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """No further batch is tried then."""
    assert sandbox.project is not None
    monkeypatch.setattr(whole, "ENOUGH", 1)
    kept = await whole.telling(sandbox, filled(sandbox.project, "pkg/core.py"), [case(name) for name in ALL])
    assert names(kept) == [ALL[0]]


async def test_a_candidate_finds_them_collected(sandbox: JailSandbox) -> None:
    """A wrong body fails both kept tests, and a right one passes both."""
    assert sandbox.project is not None
    kept = await whole.telling(sandbox, filled(sandbox.project, "pkg/core.py"), [case(name) for name in ALL])
    right = await whole.verdicts(sandbox, filled(sandbox.project, "pkg/core.py", "return sum(numbers)"), kept)
    wrong = await whole.verdicts(sandbox, filled(sandbox.project, "pkg/core.py", "return len(numbers)"), kept)
    assert [one.is_pass for one in (*right, *wrong)] == [True, True, False, False]


REACHING = """
    from pkg.core import total

    def test_{number}():
        total([])
    """


async def test_what_a_function_passes_that_does_nothing_comes_last(tmp_path: Path) -> None:
    """Enough tests call the function on their way. Others are looked for until enough need what it does."""
    count = whole.ENOUGH + FILES_MAX
    texts = {f"tests__test_{number:02}": REACHING.format(number=number) for number in range(count)}
    project = written(tmp_path, pkg__init="", pkg__core=CORE, **texts, tests__test_last=TELLING)
    cases = [case(f"tests/test_{number:02}.py::test_{number}") for number in range(count)]
    reference, idle = filled(project, "pkg/core.py"), filled(project, "pkg/core.py", "return")
    opened = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        last = case("tests/test_last.py::test_tells")
        kept = await whole.telling(opened, reference, [*cases, last], idle=idle)
    finally:
        await opened.close()
    assert kept[0] == last
    assert len(kept) > 1


SOLVED = "return sum(numbers)"


@pytest.mark.parametrize(("last", "tier"), [("", Tier.CHECKED), (TELLING, Tier.VERIFIED)])
async def test_a_body_is_verified_by_a_test_that_an_idle_one_fails(tmp_path: Path, last: str, tier: Tier) -> None:
    """Tests that only call the function on their way verify none."""
    texts = {"tests__test_a": REACHING.format(number=1), "tests__test_b": last}
    project = written(tmp_path, pkg__init="", pkg__core=CORE, **texts)
    opened = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    path = project.root / "pkg/core.py"
    cases = [case("tests/test_a.py::test_1"), *([case("tests/test_b.py::test_tells")] if last else [])]
    judge = Judge.of(context_of(path), opened, Limits(), path=path, whole=cases)
    try:
        evidence = await judge.evidence()
        found, _ = await judge.judge(candidate(SOLVED), evidence)
    finally:
        await opened.close()
    assert len(evidence.specification) == len(cases)
    assert (found.tier, whole.PASSES_IDLE in found.reason) == (tier, tier is Tier.CHECKED)
