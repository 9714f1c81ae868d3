"""Which modules are imported ahead for a program, and that nobody but the program pays for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.pool import installed_imports

PATIENT = Limits(wall_seconds=20.0)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages."""
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import alpha as a, beta.part as b  # both", {"alpha", "beta.part"}),
        ("from alpha.deep import (\n  x,\n)", {"alpha.deep"}),
        ("x = 1; import alpha", {"alpha"}),
        ("if x: import alpha\r\nimport beta\r\n", {"alpha", "beta"}),
        ("import alpha, \\\n    beta", {"alpha", "beta"}),
        ("from . import alpha\nfrom .alpha import y\nimportant = alpha", set()),
        ("import alpha.__main__", set()),
    ],
)
def test_import_statements_are_found(packages: Path, source: str, found: set[str]) -> None:
    """Every form of the statement counts; relative imports and modules that are programs do not."""
    assert installed_imports(source, [str(packages)]) == found


@pytest.mark.parametrize("name", ["a" * 300, "alpha." + "a" * 5000])
def test_a_name_no_file_can_have_is_not_looked_for(packages: Path, name: str) -> None:
    """The system refuses such a name with an error, which is not the host's to fail with."""
    assert installed_imports(f"def f():\n    import {name}", [str(packages)]) == set()


def test_a_program_of_imports_alone_is_looked_up_in_part(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of names that are looked for on the disk is bounded."""
    asked: list[str] = []
    monkeypatch.setattr("plum_lsp.sandbox.pool._holds", lambda _, top: asked.append(top))
    installed_imports("".join(f"import x{number}\n" for number in range(50_000)), [str(packages)])
    assert len(asked) < 100


def test_a_large_program_is_not_parsed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing takes seconds of the event loop for a text of some hundred kilobytes."""
    monkeypatch.delattr("ast.parse")
    source = "x = [\n" + "1+1,\n" * 60_000 + "]\nimport alpha\n"
    assert installed_imports(source, [str(packages)]) == {"alpha"}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[JailSandbox]:
    """A sandbox with two installed modules that are no good, and two programs at once."""
    folder = tmp_path / "some-packages"
    folder.mkdir()
    (folder / "hangs.py").write_text("while True: pass\n")
    (folder / "leaves.py").write_text("import sys\nsys.exit('usage: leaves FILE')\n")
    (folder / "dies.py").write_text("import os\nos._exit(3)\n")
    tmp_path.chmod(0o755)
    opened = await open_sandbox(
        SandboxOptions(jobs=2, readable=(str(folder),), import_paths=(str(folder),), checks_itself=False)
    )
    yield opened
    await opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["leaves", "dies"])
async def test_a_module_that_ends_its_importer_is_the_programs_failure(sandbox: JailSandbox, name: str) -> None:
    """The program is told so by its own child; the sandbox has not failed."""
    (seen,) = await sandbox.observe(Program(source=f"import {name}"), [Call(expression="1")], PATIENT)
    assert seen.ending is Ending.CRASHED


@pytest.mark.slow
async def test_nobody_waits_for_a_module_that_hangs(sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more such programs than slots, an honest one is judged while all of them are still being prepared."""
    monkeypatch.setattr("plum_lsp.sandbox.pool.AHEAD_SECONDS", 600.0)
    monkeypatch.setattr("plum_lsp.sandbox.zygote_process._READY_SECONDS", 600.0)
    sources = ["def g():\n    import hangs" + ", leaves" * part for part in range(2)]
    hanging = [
        asyncio.create_task(sandbox.observe(Program(source=source), [Call(expression="1")], PATIENT))
        for source in sources * 2
    ]
    await asyncio.sleep(0)
    (seen,) = await sandbox.observe(Program(source=""), [Call(expression="1")], PATIENT)
    assert seen.value == 1
    assert not any(task.done() for task in hanging)
    await sandbox.close()
    assert all(isinstance(end, SandboxError) for end in await asyncio.gather(*hanging, return_exceptions=True))


@pytest.mark.slow
async def test_a_module_that_hangs_costs_only_who_imports_it(
    sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that names it without importing it is judged once the attempt is given up, and the next at once."""
    monkeypatch.setattr("plum_lsp.sandbox.pool.AHEAD_SECONDS", 0.3)
    program = Program(source="def f(): return 1\ndef g():\n    import hangs")
    (first,) = await sandbox.observe(program, [Call(expression="f()")], PATIENT)
    monkeypatch.setattr("plum_lsp.sandbox.pool.AHEAD_SECONDS", 600.0)
    (second,) = await sandbox.observe(program, [Call(expression="f()")], PATIENT)
    assert (first.value, second.value) == (1, 1)
