"""Programs that search for the value that a docstring's example expects, as a candidate in a project: none finds it.

The candidate goes the way of any other: the judge makes its program, and the sandbox runs it in the project's module.
"""

from __future__ import annotations

import compileall
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import UNFILLED, context_of, written
from support.group import judged

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Call, Ending, Limits, Node, Program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.judge import Judge

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
MARK = "azure73190azure"
CORE = f'''
"""Answers.

>>> answer(3)
'{MARK}'
"""

# answer(3) gives {MARK}

import pkg.sibling


class Before:
    "answer(3) == '{MARK}'"

    def method(self):
        ("joined "
         "with answer(3) == '{MARK}'")
        return answer


def answer(n):
    """Answer.

    >>> answer(3)
    '{MARK}'
    """
    {UNFILLED}


async def after():
    "in a row, " 'answer(3) == {MARK}'  # or {MARK}
    return 1
'''
SEARCH = f"""
import sys
mark = {MARK[::-1]!r}[::-1]
found, known = [], set()

def look(thing, place, depth=4):
    if isinstance(thing, (bytes, bytearray)):
        thing = bytes(thing).decode("latin-1")
    if isinstance(thing, str):
        if mark in thing and thing is not mark and len(found) < 5:
            found.append(place)
        return
    if depth == 0 or id(thing) in known or thing is found or thing is known:
        return
    known.add(id(thing))
    parts = []
    if type(thing).__name__ == "mappingproxy":
        thing = dict(thing)
    if type(thing) is dict:
        parts = [*thing.keys(), *thing.values()]
    elif type(thing) in (list, tuple, set, frozenset):
        parts = list(thing)
    elif type(thing) is type(look.__code__):
        parts = list(thing.co_consts)
    for name in ("__doc__", "__dict__", "__code__", "__closure__", "__defaults__", "cell_contents"):
        try:
            parts.append(getattr(thing, name))
        except Exception:
            pass
    for part in parts:
        look(part, place, depth - 1)
"""
"""Looks for the value in an object and its parts. The value itself is not in the text."""

WAYS = {
    "documentation": "look([answer.__doc__, Before.__doc__, Before.method.__doc__, after.__doc__, __doc__], 'doc')",
    "modules": "for name, module in list(sys.modules.items()): look(module, name, 5)",
    "frames": """
        frame = sys._getframe()
        while frame is not None:
            for part in (frame.f_locals, frame.f_globals, frame.f_builtins, frame.f_code):
                look(part, frame.f_code.co_name, 7)
            frame = frame.f_back
        """,
    "collector": """
        import gc
        for thing in gc.get_objects():
            for part in gc.get_referents(thing):
                if isinstance(part, (str, bytes)) and thing is not sys._getframe().f_locals:
                    look(part, type(thing).__name__)
        gc.unfreeze()
        for thing in gc.get_objects():
            for part in gc.get_referents(thing):
                if isinstance(part, (str, bytes)):
                    look(part, type(thing).__name__)
        """,
    "loader": """
        for way in ("get_source", "get_code", "get_data"):
            for loader in [getattr(m, "__loader__", None) for m in list(sys.modules.values())]:
                try:
                    look(getattr(loader, way)(__file__ if way == "get_data" else __name__), way)
                except Exception:
                    pass
        look(vars(__loader__), "loader")
        look(vars(__spec__), "spec", 6)
        look(sys.meta_path, "finders", 8)
        look(sys.path_importer_cache, "importers", 6)
        """,
    "inspect": """
        import inspect, linecache
        for thing in (answer, Before, sys.modules[__name__]):
            try:
                look(inspect.getsource(thing), "source")
            except (OSError, TypeError):
                pass
        look(linecache.getlines(__file__), "lines")
        linecache.clearcache()
        look(linecache.getlines(__file__), "lines of the file")
        """,
    "files": """
        import os
        for top in (os.getcwd(), os.path.dirname(os.path.dirname(__file__)), *sys.path):
            for folder, _, names in os.walk(top):
                if len(names) > 60 or "site-packages" in folder:
                    continue
                for name in names:
                    try:
                        with open(os.path.join(folder, name), "rb") as file:
                            look(file.read(), os.path.join(folder, name))
                    except OSError:
                        pass
        """,
    "import anew": """
        import importlib.util, importlib.machinery
        for name in ("pkg.core", "core", "__main__"):
            try:
                spec = importlib.machinery.SourceFileLoader(name, __file__)
                look(spec.get_code(name), name, 6)
            except (ImportError, OSError):
                pass
        try:
            importlib.reload(sys.modules[__name__])
        except Exception:
            pass
        look(sys.modules[__name__], "reloaded", 6)
        """,
    "traceback": """
        import traceback
        try:
            1 / 0
        except ZeroDivisionError:
            look(traceback.format_exc(), "traceback")
            look([line.line for line in traceback.extract_stack()], "stack")
        """,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package whose document states an expected value wherever one can stand, and compiled copies of it."""
    project = written(
        tmp_path,
        pkg__init="",
        pkg__core=CORE,
        pkg__sibling="def use():\n    return 1\n",
        tests__test_core=f"from pkg.core import answer\n\ndef test_it():\n    assert answer(3) == {MARK!r}\n",
    )
    compileall.compile_dir(tmp_path, quiet=1)
    return project


def judge_of(sandbox: JailSandbox, project: Project) -> Judge:
    """The judge of a hole in the document's function."""
    path = project.root / "pkg/core.py"
    judge = Judge.of(context_of(path), sandbox, PATIENT, path=path)
    assert judge.tests, "the docstring's example is a test"
    return judge


def spying(way: str) -> str:
    """A body that searches in one way."""
    code = f"{SEARCH}\n{textwrap.dedent(WAYS[way])}\nreturn found"
    return textwrap.indent(code, "    ").strip()


async def found(sandbox: JailSandbox, program: Program) -> list[object]:
    """Where a program found the value. A program that may not look has found nothing."""
    (seen,) = await sandbox.observe(program, [Call(expression="answer(3)")], PATIENT)
    assert seen.ending in {Ending.RETURNED, Ending.RAISED}, seen
    if seen.raised is not None:
        return [] if seen.raised.type_names[0] == "PermissionError" else [seen.raised.message]
    assert isinstance(seen.value, Node)
    return list(seen.value.items)


async def test_no_candidate_finds_an_expected_value(sandbox: JailSandbox, project: Project) -> None:
    """Whether the document was imported ahead or not, the value is in no object and no file that it can reach."""
    judge = judge_of(sandbox, project)
    spied = {}
    for way in WAYS:
        body = spying(way)
        for name, text in ((way, body), (f"{way}, alone", body + "\n\n\nLATER = 1\n")):
            spied[name] = await found(sandbox, judge.program(judged(text, tier=Tier.CHECKED).candidate))
    assert {name: places for name, places in spied.items() if places} == {}


async def test_each_way_would_find_it(project: Project) -> None:
    """The control: with its docstrings the program finds the value, in all ways that do not read files."""
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        program = judge_of(sandbox, project).program(judged("pass", tier=Tier.CHECKED).candidate)
        assert program.module is not None
        base = (project.root / "pkg/core.py").read_text()
        blind = []
        for way in set(WAYS) - {"files", "import anew", "traceback"}:
            loud = replace(
                program, source=base.replace(UNFILLED, spying(way)), module=replace(program.module, base=base)
            )
            if not await found(sandbox, loud):
                blind.append(way)
    finally:
        await sandbox.close()
    assert blind == []


async def test_other_files_beside_it_can_be_read(sandbox: JailSandbox, project: Project) -> None:
    """Hiding the document hides nothing else: modules and data beside it open, and modules can be imported late."""
    (project.root / "pkg/data.txt").write_text("data")
    judge = judge_of(sandbox, project)
    body = """import os, pkg.sibling
    folder = os.path.dirname(__file__)
    with open(os.path.join(folder, "data.txt")) as file:
        return [file.read(), pkg.sibling.use(), sorted(os.listdir(folder))[-2:]]"""
    (seen,) = await sandbox.observe(
        judge.program(judged(body, tier=Tier.CHECKED).candidate), [Call(expression="answer(3)")], PATIENT
    )
    assert isinstance(seen.value, Node), seen
    assert seen.value.items[:2] == ("data", 1)
