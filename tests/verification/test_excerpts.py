"""What is known of a file is not found again: its evidence, or that it does not end. It rests on its text alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from support.contexts import context_at
from support.documents import context_of, written

from plum_lsp.domain.verification import Call, Limits, Observation, Program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.excerpts import ExcerptJudge, KnownFiles, judged_by
from plum_lsp.verification.judge import LOADS, Evidence, Judge

pytestmark = pytest.mark.slow

LIMITS = Limits(wall_seconds=0.3)
DOUBLE = 'def double(n):\n    """\n    >>> double(2)\n    4\n    """\n    ‸\n'
LOOP = "\n\nwhile True:\n    pass\n"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox without a project."""
    opened = await open_sandbox(SandboxOptions(checks_itself=False))
    yield opened
    await opened.close()


async def runs(sandbox: JailSandbox, endless: KnownFiles, document: str) -> tuple[bool, bool]:
    """Whether the whole file of a document was run to judge it, and whether it is judged without its rest."""
    judge = Judge.of(context_at(document), sandbox, LIMITS)
    loaded: list[str] = []
    observe = sandbox.observe

    async def observed(program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        if LOADS in calls:
            loaded.append(program.source)
        return await observe(program, calls, limits)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "observe", observed)
        found, evidence = await judged_by(judge, endless)
    assert not evidence.problem
    return judge.reference.source in loaded, isinstance(found, ExcerptJudge)


async def test_only_the_first_request_for_an_endless_file_waits(sandbox: JailSandbox) -> None:
    """The body of the function, its tests in it, and comments may change."""
    endless = KnownFiles()
    assert await runs(sandbox, endless, DOUBLE + LOOP) == (True, True)
    assert await runs(sandbox, endless, DOUBLE + LOOP) == (False, True)
    other = DOUBLE.replace("double(2)\n    4", "double(3)\n    6").replace("‸", "m = n\n    ‸")
    assert await runs(sandbox, endless, f"# A comment.\n{other}{LOOP}") == (False, True)


async def test_what_is_known_says_the_same(sandbox: JailSandbox) -> None:
    """The label of an offer is that of the first request."""
    endless, causes = KnownFiles(), set()
    for _ in range(2):
        found, _ = await judged_by(Judge.of(context_at(DOUBLE + LOOP), sandbox, LIMITS), endless)
        assert isinstance(found, ExcerptJudge)
        causes.add(found.label)
    assert len(causes) == 1
    assert "timed out" in causes.pop()


@pytest.mark.parametrize(
    ("document", "is_apart"),
    [
        (DOUBLE, False),
        (DOUBLE + LOOP.replace("pass", "break"), False),
        (DOUBLE + LOOP.replace("pass", "..."), True),
        (DOUBLE.replace("(n)", "(n, m=0)") + LOOP, True),
        ("import math\n\n\n" + DOUBLE + LOOP, True),
    ],
    ids=["no loop", "a loop that ends", "another loop", "another signature", "an import"],
)
async def test_an_edit_outside_the_body_runs_the_file_again(
    sandbox: JailSandbox, document: str, is_apart: bool
) -> None:
    """It may end now."""
    endless = KnownFiles()
    await runs(sandbox, endless, DOUBLE + LOOP)
    assert await runs(sandbox, endless, document) == (True, is_apart)


async def test_evidence_is_found_once(sandbox: JailSandbox) -> None:
    """Another test or another statement beside the function makes it another file."""
    known = KnownFiles()
    assert await runs(sandbox, known, DOUBLE) == (True, False)
    assert await runs(sandbox, known, DOUBLE) == (False, False)
    assert await runs(sandbox, known, DOUBLE.replace("4", "5")) == (True, False)
    assert await runs(sandbox, known, f"{DOUBLE}\n\nlast = 1\n") == (True, False)


@pytest.mark.parametrize("above", ["import os\n\nos.stat('/')\n", "1 / 0\n"], ids=["a file", "a failure"])
async def test_evidence_that_may_change_is_found_each_time(sandbox: JailSandbox, above: str) -> None:
    """Another file may be there later, and what failed may have failed for want of time."""
    known = KnownFiles()
    for _ in range(2):
        ran, _apart = await runs(sandbox, known, f"{above}\n\n{DOUBLE}")
        assert ran


@pytest.mark.parametrize(
    "document",
    [
        "def held():\n    ‸\n\n\nheld and 1" + LOOP,
        "class Held:\n    def __init__(self):\n        ‸\n" + LOOP,
        "import functools\n\n\n@functools.cache\ndef held():\n    ‸\n" + LOOP,
        "import yaml.nodes\n\n\ndef held():\n    ‸\n" + LOOP,
        "def held():\n    ‸\n\n\nwhile __import__('math'):\n    pass\n",
        "import os\n\n\ndef held():\n    ‸\n\n\nwhile os.path.exists('/'):\n    pass\n",
        "def held():\n    ‸\n\n\ntry:\n    from .part import end\nexcept ImportError:\n    pass\n" + LOOP,
    ],
    ids=["named", "called by rule", "decorated", "a package", "an import by call", "a file", "a relative import"],
)
async def test_a_file_that_more_than_its_text_decides_is_not_remembered(sandbox: JailSandbox, document: str) -> None:
    """The function may have been what did not end, and another file may end the loop."""
    endless, known = KnownFiles(), Evidence(specification=(), problem="timed out", is_endless=True)
    plain, judge = (Judge.of(context_at(one), sandbox, LIMITS) for one in (DOUBLE + LOOP, document))
    endless.learn(plain, known)
    endless.learn(judge, known)
    assert endless.evidence_of(plain) is not None
    assert endless.evidence_of(judge) is None


async def test_few_files_are_kept(sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten."""
    monkeypatch.setattr(KnownFiles, "KEPT_MAX", 1)
    endless = KnownFiles()
    for loop in (LOOP, LOOP.replace("pass", "...")):
        assert await runs(sandbox, endless, DOUBLE + loop) == (True, True)
    assert await runs(sandbox, endless, DOUBLE + LOOP) == (True, True)


ASKING = """
    import os

    IS_LOUD = os.environ.get("PKG_LOUD") == "1"


    def limit(number):
        raise NotImplementedError


    DEFAULT = limit(3)
    """


async def test_a_module_that_asks_for_a_variable_runs_as_a_whole(tmp_path: Path) -> None:
    """It also calls the function while it is imported. Its tests need the rest of the file, and run."""
    project = written(tmp_path, pkg__init="", pkg__core=ASKING)
    opened = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        path = tmp_path / "pkg/core.py"
        found, evidence = await judged_by(Judge.of(context_of(path), opened, LIMITS, path=path))
    finally:
        await opened.close()
    assert evidence.is_called_at_import
    assert not isinstance(found, ExcerptJudge)
