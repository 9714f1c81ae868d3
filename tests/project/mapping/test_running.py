"""The map of a small project, made by a run of its suite in a real sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from support.documents import written

from plum_lsp.domain.project import Project
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Passes
from plum_lsp.project.mapping import pacing
from plum_lsp.project.mapping.running import TestMapper
from plum_lsp.project.mapping.stored import map_file, read_map
from plum_lsp.project.test_index import TestIndex
from plum_lsp.python.reading.window import read_context
from plum_lsp.sandbox.by_project import ProjectSandboxes
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow

CORE = """
    class Shop:
        def total(self, names):
            return len(names)

        def report(self):
            return getattr(self, "to" + "tal")("ab")
    """
TESTS = """
    import time

    from pkg.core import Shop

    def test_names_only():
        assert "total" in dir(Shop) and not hasattr(Shop, "names")

    def test_slow():
        time.sleep(0.1)
        assert Shop().total([1]) == 1

    def test_fails():
        assert Shop().total([1]) == 2
    """
HIDDEN = """
    import pkg.core

    def test_hidden():
        assert pkg.core.Shop().report() == 2
    """


@dataclass(slots=True)
class Desk:
    """A project, and who maps it."""

    project: Project
    mapper: TestMapper
    folder: Path

    async def tests(self, *, body: str = "") -> list[str]:
        """The tests of `Shop.total`, best first, with another body in the editor."""
        path = self.project.root / "pkg/core.py"
        before, after = path.read_text().split("return len(names)")
        document = Document(uri=path.as_uri(), version=0, text=before + after)
        context = read_context(document, len(before), prefix_tokens=1000, suffix_tokens=1000)
        assert context is not None
        found = await asyncio.to_thread(self.mapper.tests_of, self.project, path, context)
        return [test.expectation.test for test in found if isinstance(test.expectation, Passes)]


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A project that is mapped without waiting for quiet."""
    monkeypatch.setattr(pacing, "QUIET_SECONDS", 0.0)
    project = written(
        tmp_path / "project",
        pkg__init="",
        pkg__core=CORE,
        tests__conftest="",
        tests__test_core=TESTS,
        tests__test_b=HIDDEN,
    )
    default = await open_sandbox()
    sandboxes = ProjectSandboxes(SandboxOptions(checks_itself=False), default)
    mapper = TestMapper(TestIndex(exclude=()), sandboxes, tmp_path / "maps")
    yield Desk(project, mapper, tmp_path / "maps")
    await mapper.close()
    await sandboxes.close()
    await default.close()


async def test_tests_are_chosen_by_what_they_call(desk: Desk) -> None:
    """Names lead the first time. Then the hidden caller is known, and what only names the function is left out."""
    assert "tests/test_b.py::test_hidden" not in (await desk.tests())[:1]
    await desk.mapper.settled()
    assert await desk.tests() == ["tests/test_b.py::test_hidden", "tests/test_core.py::test_slow"]


async def test_the_map_is_kept_and_follows_the_files(desk: Desk) -> None:
    """A file is run again when it changes. The map of a file that has gone goes, too."""
    await desk.tests()
    await desk.mapper.settled()
    kept = read_map(map_file(desk.folder, desk.project.root))
    assert set(kept.files) == {"tests/test_core.py", "tests/test_b.py"}
    (desk.project.root / "tests/test_core.py").write_text(
        dedent("""\
        from pkg.core import Shop

        def test_new():
            assert Shop().total("") == 0
        """)
    )
    (desk.project.root / "tests/test_b.py").unlink()
    await desk.tests()
    await desk.mapper.settled()
    assert await desk.tests() == ["tests/test_core.py::test_new"]
    await desk.mapper.settled()
    assert set(read_map(map_file(desk.folder, desk.project.root)).files) == {"tests/test_core.py"}


async def test_a_changed_function_makes_its_tests_run_again(desk: Desk) -> None:
    """A test that failed as saved counts once it passes."""
    await desk.tests()
    await desk.mapper.settled()
    core = desk.project.root / "pkg/core.py"
    core.write_text(core.read_text() + "\n\nSpare = Shop\n")
    test = desk.project.root / "tests/test_core.py"
    test.write_text(test.read_text().replace("== 2", "== 1"))
    await desk.tests()
    await desk.mapper.settled()
    assert "tests/test_core.py::test_fails" in await desk.tests()
