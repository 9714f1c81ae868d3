"""What of the user's world a candidate sees: the interpreter and what is named readable, without its hidden parts."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from plum_lsp.domain.verification import Call, Ending, Limits, Node, Observation, Program
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.isolation.plans import TIERS, without_hidden
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.pool import installed_imports

PATIENT = Limits(wall_seconds=20.0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with modules, data and things nobody should read."""
    root = tmp_path / "project"
    for folder in ("package/inner", ".git", "package/.secrets", "docs"):
        (root / folder).mkdir(parents=True)
    for name in (
        "deploy.pem",
        "docs/client_secret.json",
        "package/__init__.py",
        "package/inner/__init__.py",
        "docs/notes.txt",
        ".env",
        ".git/config",
    ):
        (root / name).write_text("TOKEN = 'hidden'\n")
    (root / "package" / ".secrets" / "key").write_text("hidden")
    (root / "helper.py").write_text("def double(x): return 2 * x\n")
    (root / "outside").symlink_to("/etc")
    tmp_path.chmod(0o755)
    return root


def test_hidden_parts_and_links_are_left_out(project: Path) -> None:
    """A folder with nothing hidden stays one entry; others are listed by their parts."""
    shown = {Path(place).relative_to(project).as_posix() for place in without_hidden([str(project)])}
    assert shown == {"docs/notes.txt", "helper.py", "package/__init__.py", "package/inner"}


def test_only_installed_packages_are_preimported(tmp_path: Path) -> None:
    """The standard library is there anyway; a package of the project or of nobody is not imported ahead."""
    for name in ("numbers_of_users/__init__.py", "single.py"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_text("")
    source = (
        "import os, single\nfrom numbers_of_users.part import x\nimport elsewhere\ndef f():\n    import single as s\n"
    )
    assert installed_imports(source, [str(tmp_path)]) == {"single", "numbers_of_users.part"}
    assert installed_imports("def broken(:", [str(tmp_path)]) == set()


async def seen(project: Path, tier: str, source: str) -> Observation:
    """What a program that may read the project and import from it shows."""
    options = SandboxOptions(tier=tier, readable=(str(project),), import_paths=(str(project),), checks_itself=False)
    sandbox = await open_sandbox(options)
    try:
        (observation,) = await sandbox.observe(Program(source=source), [Call(expression="f()")], PATIENT)
        return observation
    finally:
        await sandbox.close()


READS = """
def f():
    read = []
    hidden = ("deploy.pem", "docs/client_secret.json", "package/.secrets/key", "outside/passwd")
    for name in ("helper.py", "docs/notes.txt", ".env", *hidden, ".git/config", PROJECT + "/../beside.txt"):
        try:
            open(PROJECT + "/" + name).read()
        except OSError:
            continue
        read.append(name)
    return " ".join(read)
"""


@pytest.mark.slow
@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
async def test_a_project_is_readable_without_its_secrets(project: Path, tier: str) -> None:
    """In every tier: mounts and Landlock rules leave out the same."""
    observation = await seen(project, tier, f"PROJECT = {str(project)!r}" + READS)
    assert observation.value == "helper.py docs/notes.txt", observation


@pytest.mark.slow
async def test_a_projects_modules_can_be_imported(project: Path) -> None:
    """From the folders the user named."""
    observation = await seen(project, "full", "import helper, package.inner\ndef f(): return helper.double(4)")
    assert observation.value == 8, observation


@pytest.mark.slow
async def test_the_users_environment_is_used(tmp_path: Path) -> None:
    """A virtual environment's packages are importable; nothing of it can be written."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    (folder,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (folder / "theirs.py").write_text("NUMBER = 41\n")
    for parent in (tmp_path, tmp_path / "venv"):
        parent.chmod(0o755)
    assert str(folder) in describe_interpreter(str(python)).paths
    sandbox = await open_sandbox(SandboxOptions(interpreter=str(python), checks_itself=False))
    source = (
        "import theirs\ndef f():\n    try: open(theirs.__file__, 'a')\n    except OSError: return theirs.NUMBER + 1"
    )
    try:
        (observation,) = await sandbox.observe(Program(source=source), [Call(expression="f()")], PATIENT)
    finally:
        await sandbox.close()
    assert (observation.ending, observation.value) == (Ending.RETURNED, 42), observation
    assert sandbox.tier.python_version == sys.version.split()[0]


@pytest.mark.slow
@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
async def test_a_project_lends_its_environment_and_modules(project: Path, tier: str) -> None:
    """Packages of its `.venv`, and modules of its own and below `src`. Other files stay hidden."""
    venv.create(project / ".venv", with_pip=False, symlinks=True)
    (folder,) = (project / ".venv" / "lib").glob("python*/site-packages")
    (folder / "theirs.py").write_text("NUMBER = 41\n")
    (project / "src" / "inner_module").mkdir(parents=True)
    (project / "src" / "inner_module" / "__init__.py").write_text("ONE = 1\n")
    source = f"import theirs, helper, inner_module\nPROJECT = {str(project)!r}\n" + READS
    source += "\ng = f\ndef f(): return [theirs.NUMBER + inner_module.ONE, helper.double(4), g()]\n"
    sandbox = await open_sandbox(
        SandboxOptions(home=ProjectFinder().project_at(project), tier=tier, checks_itself=False)
    )
    try:
        (observation,) = await sandbox.observe(Program(source=source), [Call(expression="f()")], PATIENT)
    finally:
        await sandbox.close()
    assert isinstance(observation.value, Node), observation
    assert observation.value.items == (42, 8, "helper.py")
