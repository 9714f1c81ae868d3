"""Programs that look for a copy of their document, of the right body or of the tests: no child can open one.

Each copy holds a value that stands nowhere else, so that reading any of them would show.
"""

from __future__ import annotations

import os
import py_compile
import textwrap
import zipfile
from pathlib import Path

import pytest
from support.documents import UNFILLED, context_of, filled, written
from support.group import judged

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Call, Ending, InModule, Limits, Node
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.projects.copies import Copies
from plum_lsp.sandbox.projects.installed import Installed
from plum_lsp.verification.judge import Judge

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
DOCUMENT = f'''
import math


def prepare(rows):
    """Prepare some rows."""
    kept = [row for row in rows if row is not None]
    return sorted(kept, key=lambda row: (len(row), row))


def answer(n):
    """Answer in a way that cannot be guessed.

    >>> answer(3)
    'mark-azure-3'
    """
    {UNFILLED}
'''
BODY = """total = 0
    for place in range(n * 17):
        total += (place * 7919 + math.floor(place / 3)) % 104729
    return f"mark-azure-{n}" if total % 2 else str(total)"""
FULL = DOCUMENT.replace(UNFILLED, BODY)
RENAMED = (
    FULL.replace("total", "amount")
    .replace("place", "index")
    .replace("answer", "reply")
    .replace("rows", "lines")
    .replace("mark-azure-", "mark-violet-")
)
TESTS = "from pkg.core import answer\n\n\ndef test_answer():\n    assert answer(4) == 'mark-azure-4'\n"
BARE = FULL.replace(
    '"""Answer in a way that cannot be guessed.\n\n    >>> answer(3)\n    \'mark-azure-3\'\n    """\n    ', ""
)
COPIES = {
    "pkg/core_old.py": FULL,
    "pkg/core.py.bak": FULL,
    "pkg/core.py~": FULL,
    "pkg/old/module.py": BARE,
    "pkg/renamed.py": RENAMED,
    "pkg/indented.txt": textwrap.indent(FULL, "        "),
    "pkg/README.md": "# Answers\n\n    >>> answer(3)\n    'mark-azure-3'\n",
    "pkg/commented.py": textwrap.indent(FULL, "# "),
    "pkg/quoted.json": '{"text": ["answer(4) == \'mark-azure-4\'",\n"assert answer(4) == \'mark-azure-4\'"]}',
    "pkg/checks.py": TESTS,
    "pkg/later/core.py": FULL.replace("7919", "7907").replace("a way", "some way"),
    "build/lib/pkg/core.py": FULL,
    "copy_of_tests.py": TESTS,
}
HARMLESS = {
    "pkg/sibling.py": "def other(rows):\n    total = 0\n    for row in rows:\n        total += row\n    return total\n",
    "pkg/user.py": "from pkg.core import answer\n\n\ndef use():\n    return answer(3)\n",
    "pkg/data.txt": "some words\nand numbers 1 2 3\n",
}


def put(root: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose document has copies of all kinds, also compiled and packed ones."""
    root = tmp_path / "project"
    put(root, {**COPIES, **HARMLESS, "pkg/old/__init__.py": "", "pkg/later/__init__.py": ""})
    for name, text in (("stray", FULL), ("core_older", FULL)):
        source = tmp_path / f"{name}.py"
        source.write_text(text)
        py_compile.compile(str(source), cfile=str(root / f"pkg/__pycache__/{name}.cpython-311.pyc"))
        py_compile.compile(str(source), cfile=str(root / f"pkg/{name}.pyc"))
    with zipfile.ZipFile(root / "pkg/packed.zip", "w") as archive:
        archive.writestr("lib/core.py", FULL)
    return written(root, pkg__init="", pkg__core=FULL, tests__test_core=TESTS)


def module_of(project: Project) -> InModule:
    """The document with its hole unfilled, while its saved text holds the right body."""
    module = filled(project, "pkg/core.py", base=DOCUMENT).module
    assert module is not None
    return module


SEARCH = """import os, sys
    found = []
    for top in {tops}:
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        text = file.read(1 << 20)
                except OSError:
                    continue
                marks = [b"mark" + b"-azure-", b"mark" + b"-violet-", b"79" + b"19", b"PK" + b"\\x03"]
                if any(mark in text for mark in marks):
                    found.append(path)
    return found"""


async def test_no_child_can_open_a_copy(sandbox: JailSandbox, project: Project) -> None:
    """In every tier, with the document imported ahead and not. What is no copy stays readable."""
    (project.root / "pkg/core.py").write_text(DOCUMENT)
    judge = Judge.of(context_of(project.root / "pkg/core.py"), sandbox, PATIENT, path=project.root / "pkg/core.py")
    (project.root / "pkg/core.py").write_text(FULL)
    body = SEARCH.format(tops=[str(project.root), str(project.root / "pkg")])
    for text in (body, body + "\n\n\nLATER = 1\n"):
        program = judge.program(judged(text, tier=Tier.CHECKED).candidate)
        (seen,) = await sandbox.observe(program, [Call(expression="answer(3)")], PATIENT)
        assert seen.ending is Ending.RETURNED, seen
        assert isinstance(seen.value, Node)
        assert list(seen.value.items) == []
    opens = f"return [open(p).read(9) for p in {[str(project.root / name) for name in HARMLESS]}]"
    program = judge.program(judged(opens, tier=Tier.CHECKED).candidate)
    (seen,) = await sandbox.observe(program, [Call(expression="answer(3)")], PATIENT)
    assert isinstance(seen.value, Node), seen
    assert len(seen.value.items) == len(HARMLESS)


async def test_an_imported_copy_tells_nothing(tmp_path: Path) -> None:
    """Its docstrings are gone from memory, and its functions still work."""
    copy = DOCUMENT.replace(UNFILLED, "return n") + "\n\nclass Owner:\n    answer = answer\n"
    project = written(tmp_path, pkg__init="from pkg import old", pkg__core=DOCUMENT, pkg__old=copy)
    judged_sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    body = """import pkg.old, inspect
    function = pkg.old.answer
    return [function(7), function.__doc__, function.__code__.co_consts[0], pkg.old.prepare.__doc__]"""
    try:
        path = project.root / "pkg/core.py"
        judge = Judge.of(context_of(path), judged_sandbox, PATIENT, path=path)
        program = judge.program(judged(body, tier=Tier.CHECKED).candidate)
        (seen,) = await judged_sandbox.observe(program, [Call(expression="answer(3)")], PATIENT)
    finally:
        await judged_sandbox.close()
    assert isinstance(seen.value, Node), seen
    assert seen.value.items == (7, None, "", None)


def test_copies_among_packages_are_found_once(tmp_path: Path, project: Project) -> None:
    """A vendored copy, an installed one and an installed test are copies, other packages are none."""
    packages = tmp_path / "site-packages"
    copies = {"made_up/core.py": FULL, "other/_vendor/parts.py": FULL, "made_up/tests/test_core.py": TESTS}
    others = {"plain/core.py": "def answer(n):\n    return n\n", "plain/more.py": HARMLESS["pkg/sibling.py"]}
    put(packages, {**copies, **others})
    search = Copies(Installed([str(packages)]))
    places, tests = [str(project.root / "pkg")], [str(project.root / "pkg"), str(project.root / "tests")]
    found = search.of(module_of(project), places, tests)
    assert {os.path.relpath(one, packages) for one in found if "site-packages" in one} == set(copies)
    assert {os.path.relpath(one, project.root) for one in found if "site-packages" not in one} == {
        *(name for name in COPIES if name.startswith("pkg/")),
        *("pkg/packed.zip", "pkg/stray.pyc", "pkg/core_older.pyc"),
        *(f"pkg/__pycache__/{name}.cpython-311.pyc" for name in ("stray", "core_older")),
    }


def test_what_many_files_share_makes_no_copy(tmp_path: Path) -> None:
    """A licence, imports, an ordinary initializer and a file with an empty function are nothing to hide."""
    licence = "".join(f"# This line of a licence has the number {place}.\n" for place in range(20))
    start = "    def __init__(self, name, value):\n        super().__init__()\n        self.name = name\n"
    head = f"{licence}from __future__ import annotations\nimport os\nimport sys\nfrom pathlib import Path\n\n\n"
    one = f"{head}class One:\n{start}        {UNFILLED}\n"
    other = f"{head}class Other:\n{start}        self.value = value\n\n    def more(self):\n        {UNFILLED}\n"
    project = written(tmp_path, pkg__init="", pkg__core=one, pkg__other=other)
    module = filled(project, "pkg/core.py").module
    assert module is not None
    assert Copies(Installed([])).of(module, [str(tmp_path / "pkg")], []) == []
