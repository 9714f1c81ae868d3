"""A document of a project runs as the module it is, in its package, and keeps its files in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import filled, written

from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import Call, Ending, Limits, Node, Observation
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)

CORE = """
    import os
    import tempfile
    from pathlib import Path

    from .util import double

    CACHE = Path.home() / ".cache"


    class Box:
        kind = "box"

        def __init__(self, width):
            self.width = width

        @property
        def area(self):
            return self.width * 2


    class Lid(Box):
        def area_of(self, n):
            raise NotImplementedError


    def quadruple(n):
        return double(double(n))
    """

MADE = """
    import inspect
    import os

    MADE_IN = os.getpid()


    def listed(function):
        if inspect.isgeneratorfunction(function):
            return lambda n: list(function(n))
        return function


    @listed
    def numbers(n):
        raise NotImplementedError
    """


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package with a sibling that the document imports, one that imports the document, and a test."""
    return written(
        tmp_path,
        pkg__init="from pkg.user import use\n",
        pkg__util="def double(n):\n    return 2 * n\n",
        pkg__user="from pkg.core import Lid\n\ndef use():\n    return Lid(3).area_of(1)\n",
        pkg__core=CORE,
        pkg__made=MADE,
        tests__test_core="EXPECTED = 1\n",
    )


async def seen(
    sandbox: JailSandbox, project: Project, body: str, *calls: str, path: str = "pkg/core.py"
) -> list[Observation]:
    """What the calls show with the body in the document."""
    program = filled(project, path, body)
    return list(await sandbox.observe(program, [Call(expression=call) for call in calls], PATIENT))


def values(observations: list[Observation]) -> list[object]:
    """The values that came back, containers as tuples."""
    assert all(one.ending is Ending.RETURNED for one in observations), observations
    return [one.value.items if isinstance(one.value, Node) else one.value for one in observations]


async def test_it_is_imported_under_its_own_name(sandbox: JailSandbox, project: Project) -> None:
    """Name, package, spec and file are the module's own, and relative imports work."""
    path = str(project.root / "pkg/core.py")
    found = await seen(sandbox, project, "return n", "(__name__, __package__, __spec__.name, __file__)", "quadruple(2)")
    assert values(found) == [("pkg.core", "pkg", "pkg.core", path), 8]


async def test_siblings_import_the_candidate(sandbox: JailSandbox, project: Project) -> None:
    """What another module imports from the document is the candidate's, and there is one copy of the module."""
    found = await seen(
        sandbox,
        project,
        "return 'candidate'",
        "__import__('pkg').use()",
        "[name for name in __import__('sys').modules if name.split('.')[-1] == 'core']",
    )
    assert values(found) == ["candidate", ("pkg.core",)]


@pytest.mark.parametrize(
    "body",
    ["return super().kind * n", "return (lambda m: __class__.kind * m)(n)", "import math\n\nreturn math.floor(n)"],
)
async def test_a_body_may_be_any(sandbox: JailSandbox, project: Project, body: str) -> None:
    """Bodies that name their class, and such that do not, all run in the document imported ahead."""
    (value,) = values(await seen(sandbox, project, body, "Lid(1).area_of(1)"))
    assert value in ("box", 1)


@pytest.mark.parametrize(
    "body", ["yield from range(n)", "return [*range(n)]", "return [*(lambda: (yield from 'ab'))()]"]
)
async def test_a_decorated_body_may_yield(sandbox: JailSandbox, project: Project, body: str) -> None:
    """The decorator sees the kind of the candidate's function, and the document is imported ahead for each kind."""
    is_made_here = "os.getpid() == MADE_IN"
    found = await seen(sandbox, project, body, "numbers(2)", is_made_here, path="pkg/made.py")
    assert values(found) in ([(0, 1), False], [("a", "b"), False])


async def test_a_change_outside_of_bodies_is_imported_anew(sandbox: JailSandbox, project: Project) -> None:
    """A body that goes on with a new helper after the class runs, too."""
    body = "return helper(n)\n\n\n"
    program = filled(project, "pkg/core.py", body)
    program = type(program)(
        source=program.source.replace("def quadruple", "def helper(n):\n    return n + 1\n\n\ndef quadruple"),
        module=program.module,
    )
    found = await sandbox.observe(program, [Call(expression="Lid(1).area_of(1)")], PATIENT)
    assert values(list(found)) == [2]


async def test_one_candidate_says_nothing_to_the_next(sandbox: JailSandbox, project: Project) -> None:
    """What a candidate changes in a sibling, or writes into its folder, is gone for the next."""
    spoil = "import pkg.util\npkg.util.double = lambda n: 0\nPath(tempfile.gettempdir(), 'x').write_text('x')"
    assert values(await seen(sandbox, project, f"{spoil}\nreturn 1", "Lid(1).area_of(1)")) == [1]
    found = await seen(sandbox, project, "return n", "quadruple(1)", "os.listdir(tempfile.gettempdir())")
    assert values(found) == [4, ()]


async def test_its_folder_is_its_own(sandbox: JailSandbox, project: Project) -> None:
    """Home and temporary files can be written, and nothing beside them can be read or written."""
    found = await seen(
        sandbox,
        project,
        "return n",
        "(CACHE.name, Path(tempfile.gettempdir(), 'a').write_text('abc'), Path.home().exists())",
        "os.listdir(Path.home().parent)",
        "(Path.home().parent / 'x').write_text('')",
        "(Path.home() / 'large').write_bytes(bytes(1 << 26))",
    )
    assert [one.ending for one in found] == [Ending.RETURNED, *[Ending.RAISED] * 3]


@pytest.mark.parametrize("name", [".env", "id_rsa", "key.pem", "prod.tfvars", "service-account.json", "secrets/a.txt"])
async def test_secrets_cannot_be_opened(tmp_path: Path, name: str) -> None:
    """Neither beside the modules nor among a package's data."""
    project = written(tmp_path, pkg__init="", pkg__core="def f(n):\n    raise NotImplementedError\n")
    for folder in (tmp_path, tmp_path / "pkg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("secret")
    (tmp_path / "pkg/data.txt").write_text("data")
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        program = filled(project, "pkg/core.py", "return open(n).read()")
        paths = [tmp_path / name, tmp_path / "pkg" / name, tmp_path / "pkg/data.txt"]
        found = await sandbox.observe(program, [Call(expression=f"f({str(path)!r})") for path in paths], PATIENT)
    finally:
        await sandbox.close()
    assert [one.ending for one in found] == [Ending.RAISED, Ending.RAISED, Ending.RETURNED]


async def test_what_the_settings_hide_cannot_be_opened(tmp_path: Path) -> None:
    """Nor can the project's tests be read by a candidate that runs alone."""
    project = written(tmp_path, pkg__init="", pkg__core="def f(n):\n    raise NotImplementedError\n", tests__test_a="")
    (tmp_path / "pkg/hidden.txt").write_text("hidden")
    options = SandboxOptions(home=project, checks_itself=False, hides=lambda path: path.name == "hidden.txt")
    sandbox = await open_sandbox(options)
    try:
        program = filled(project, "pkg/core.py", "return open(n).read()")
        paths = [tmp_path / "pkg/hidden.txt", tmp_path / "tests/test_a.py"]
        found = await sandbox.observe(program, [Call(expression=f"f({str(path)!r})") for path in paths], PATIENT)
    finally:
        await sandbox.close()
    assert [one.ending for one in found] == [Ending.RAISED, Ending.RAISED]


async def test_a_change_of_another_file_is_seen(tmp_path: Path) -> None:
    """A candidate is judged with the siblings as they are now."""
    project = written(
        tmp_path,
        pkg__init="",
        pkg__util="K = 1\n",
        pkg__core="from .util import K\ndef f():\n    raise NotImplementedError\n",
    )
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        before = await sandbox.observe(filled(project, "pkg/core.py", "return K"), [Call(expression="f()")], PATIENT)
        (tmp_path / "pkg/util.py").write_text("K = 2222\n")
        text = (tmp_path / "pkg/core.py").read_text() + "\n# edited\n"
        after = await sandbox.observe(
            filled(project, "pkg/core.py", "return K", base=text), [Call(expression="f()")], PATIENT
        )
    finally:
        await sandbox.close()
    assert (before[0].value, after[0].value) == (1, 2222)


async def test_a_script_imports_the_modules_beside_it(tmp_path: Path) -> None:
    """A file outside of any package is a module of its own name, not `__main__`."""
    project = written(
        tmp_path, scripts__helper="K = 5\n", scripts__run="import helper\ndef f():\n    raise NotImplementedError\n"
    )
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        program = filled(project, "scripts/run.py", "return helper.K, __name__")
        found = await sandbox.observe(program, [Call(expression="f()")], PATIENT)
    finally:
        await sandbox.close()
    assert values(list(found)) == [(5, "run")]
