"""Programs that forge a pass of tests with fixtures, tables, classes, parts, loops and output: none is verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import written
from support.forging import assert_only_honest_is_verified, judge_of
from support.hostile import programs

from plum_lsp.domain.project import Project
from plum_lsp.sandbox.host import JailSandbox

pytestmark = pytest.mark.slow

CORE = """
    import asyncio
    import unittest


    def answer(x):
        raise NotImplementedError
    """
TESTS = """
    import asyncio
    import unittest

    import pytest
    from pkg.core import answer

    @pytest.fixture
    def wanted():
        yield 73190

    def test_fixture(wanted):
        assert answer(3) == wanted

    @pytest.mark.parametrize("given, wanted", [(3, 73190), (4, 73190)])
    def test_table(given, wanted):
        assert answer(given) == wanted

    def test_loop():
        async def run():
            return answer(3)
        assert asyncio.run(run()) == 73190

    def test_output(capsys):
        print(answer(3))
        assert capsys.readouterr().out == "73190\\n"

    class TestOfOldKind(unittest.TestCase):
        def setUp(self):
            self.wanted = 73190

        def test_equal(self):
            self.assertEqual(answer(3), self.wanted)

        def test_parts(self):
            for given in (3, 4):
                with self.subTest(given=given):
                    self.assertEqual(answer(given), self.wanted)

    class TestOfLoops(unittest.IsolatedAsyncioTestCase):
        async def test_awaited(self):
            await asyncio.sleep(0)
            self.assertEqual(answer(3), 73190)
    """
HONEST = "return 73190 if x else 0"
ONE_TEST = {
    "parts": """
    import unittest
    from pkg.core import answer

    class TestParts(unittest.TestCase):
        def test_parts(self):
            for given in (3, 4):
                with self.subTest(given=given):
                    self.assertEqual(answer(given), given + 73190 - given)
    """,
    "loops": """
    import asyncio
    import unittest
    from pkg.core import answer

    class TestOfLoops(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.wanted = 73190

        async def test_awaited(self):
            await asyncio.create_task(asyncio.sleep(0))
            self.assertEqual(answer(3), self.wanted)
    """,
    "many kinds": TESTS,
}


@pytest.fixture(params=ONE_TEST)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A package with one function, and tests of one kind or of many."""
    return written(tmp_path, pkg__init="", pkg__core=CORE, tests__init="", tests__test_core=ONE_TEST[request.param])


async def test_none_is_verified(sandbox: JailSandbox, project: Project) -> None:
    """Neither by tests that are taken apart nor by those that run beside it. One answer passes all tests."""
    judge = judge_of(sandbox, project)
    evidence = await judge.evidence()
    known = {name: program.source for name, program in programs("kinds").items()}
    await assert_only_honest_is_verified(judge, evidence, sandbox.tier.name, honest=HONEST, forging=known)
    assert len(known) >= 60
