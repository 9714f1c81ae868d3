"""A project is used once it is trusted, and nothing of it is executed before: with canaries, in the real server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import UNFILLED, filled
from support.editor import Editor
from support.projects import environment, tree
from support.scripted_policy import ScriptedPolicy

from plum_lsp.domain.verification import Call, Limits, Node, Program
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.project.trust import TrustBook
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow

TOTAL = '"""Prices."""\n\nfrom shop.rates import RATE\n\n\ndef total(price):\n    ‸\n'
"""A function that only the project's own test tells the meaning of, in a module that needs the project to be loaded."""
TEST = "from shop.prices import total\n\n\ndef test_total():\n    assert total(100) == 119\n"
RIGHT, WRONG = "return price + price * RATE // 100\n", "return price\n"


@pytest.fixture
def canaries(tmp_path: Path) -> Path:
    """A folder in which everything that is executed outside of the sandbox leaves a file."""
    folder = tmp_path / "canaries"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path: Path, canaries: Path) -> Path:
    """The workspace: a project with its own environment, in which every kind of file that tools execute sings."""
    root = tree(
        tmp_path / "work",
        {
            "pyproject.toml": "[project]\nname = 'shop'\n",
            "src/shop/__init__.py": "",
            "src/shop/rates.py": _sing(canaries, "module") + "from priced import RATE\n",
            "src/shop/prices.py": TOTAL.replace("‸", "pass"),
            "tests/test_prices.py": _sing(canaries, "test") + TEST,
        },
    )
    executed = (
        "conftest.py",
        "tests/conftest.py",
        "setup.py",
        "noxfile.py",
        "sitecustomize.py",
        "src/sitecustomize.py",
    )
    tree(root, {name: _sing(canaries, name.replace("/", "-")) for name in executed})
    site = environment(root / ".venv")
    names = ("sitecustomize.py", "usercustomize.py", "evil.pth", "__editable___x_finder.py")
    tree(site, {name: _sing(canaries, f"site-{name}") for name in names})
    tree(site, {"priced.py": "RATE = 19\n", "__editable__.x.pth": "import __editable___x_finder\n"})
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text(f'#!/bin/sh\ntouch {canaries}/python\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return root


def _sing(canaries: Path, name: str) -> str:
    """A line of Python that leaves a file where it is executed outside of the sandbox, and goes on inside.

    Inside it leaves its name in `sys.canaries` of its own process.
    """
    noted = f"import sys; sys.canaries = [*getattr(sys, 'canaries', []), {name!r}]"
    code = f"{noted}\ntry: open({str(canaries / name)!r}, 'w').close()\nexcept OSError: pass"
    return f"import os; exec({code!r})\n"


def answers(policy: ScriptedPolicy) -> None:
    """The policy gets it wrong and right."""
    for text in (WRONG, RIGHT):
        policy.will_complete(text)


def test_each_canary_sings_outside_of_the_sandbox(tmp_path: Path, work: Path, canaries: Path) -> None:
    """The control: plain Python that runs any of the files, and the environment's own Python, wake them all."""
    singing = [
        path for path in work.rglob("*.*") if path.suffix in {".py", ".pth"} and str(canaries) in path.read_text()
    ]
    for path in singing:
        code = f"exec(open({str(path)!r}).read())"
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False, capture_output=True, cwd=tmp_path)
    subprocess.run([work / ".venv/bin/python", "-I", "-S", "-c", ""], check=False, capture_output=True, cwd=tmp_path)
    assert len(list(canaries.iterdir())) == len(singing) + 1 >= 12


async def test_code_of_a_trusted_project_sings_in_the_sandbox_only(work: Path, canaries: Path) -> None:
    """The control: modules, tests and conftest are executed there. What no import needs is executed nowhere."""
    tree(work, {"src/priced.py": "RATE = 19\n"})
    found = ProjectFinder().project_of(work / "src/shop/prices.py")
    assert found is not None
    project = replace(found, environment=None)  # our own Python has pytest
    tests = work / "tests/test_prices.py"
    tests.write_text(f"{tests.read_text()}\n\ndef test_song():\n    assert '{{}}'.format(sys.canaries) == total(1)\n")
    tests.write_text(f"import sys\n{tests.read_text()}")
    base = TOTAL.replace("‸", UNFILLED)
    program = filled(project, "src/shop/prices.py", "import sys\nreturn sys.canaries", base=base)
    patient = Limits(wall_seconds=20.0, cpu_seconds=20.0)
    trusted = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    default = await open_sandbox(SandboxOptions(checks_itself=False))
    try:
        (seen,) = await trusted.observe(program, [Call(expression="total(1)")], patient)
        (run,) = await trusted.run_tests(program, ["tests/test_prices.py::test_song"], watches=False, seconds=20)
        alone = Program(source="import sys\ndef total(price):\n    return getattr(sys, 'canaries', [])")
        (other,) = await default.observe(alone, [Call(expression="total(1)")], patient)
    finally:
        await trusted.close()
        await default.close()
    assert seen.value == Node(kind="list", type_name="list", items=("module",))
    assert all(name in run.shown for name in ("'module'", "'test'", "'conftest.py'", "'tests-conftest.py'")), run
    assert not any(name in run.shown for name in ("setup", "noxfile", "site", "evil")), run
    assert other.value == Node(kind="list", type_name="list", items=())
    assert list(canaries.iterdir()) == []


async def test_nothing_of_an_untrusted_project_is_executed(
    policy: ScriptedPolicy, tmp_path: Path, work: Path, canaries: Path
) -> None:
    """Neither outside the sandbox nor inside: no canary sings, no test is run, and no module of the project loads."""
    answers(policy)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=False) as editor:
        await editor.open(TOTAL, path="src/shop/prices.py")
        offer = await editor.suggest()
        assert offer is None or not offer.evidence["tests"]
        assert editor.questions == []
    assert list(canaries.iterdir()) == []


async def test_a_trusted_project_verifies_with_its_packages_modules_and_tests(
    policy: ScriptedPolicy, tmp_path: Path, work: Path, canaries: Path
) -> None:
    """No setting is needed; what is executed of it is executed in the sandbox, where no canary sings."""
    answers(policy)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=True) as editor:
        await editor.open(TOTAL, path="src/shop/prices.py")
        offer = await editor.suggest()
        assert offer is not None, editor.statuses
        assert (offer.text, offer.tier) == (RIGHT.strip(), "verified")
        assert editor.questions == []
    assert list(canaries.iterdir()) == []


async def test_the_user_is_asked_once_and_the_answer_is_remembered(
    policy: ScriptedPolicy, tmp_path: Path, work: Path
) -> None:
    """Where the editor has no notion of trust; the next session asks no more."""
    answers(policy)
    reply = "Trust the folder"
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, reply=reply) as editor:
        await editor.open(TOTAL, path="src/shop/prices.py")
        await editor.until(lambda: TrustBook(tmp_path / "data").covers(work))
        offer = await editor.suggest()
        assert offer is not None
        assert offer.is_verified
        await editor.open("X = 1\n", path="src/shop/other.py")
        assert len(editor.questions) == 1
        assert str(work) in editor.questions[0]
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key) as editor:
        await editor.open(TOTAL, path="src/shop/prices.py")
        offer = await editor.suggest()
        assert offer is not None
        assert offer.is_verified
        assert editor.questions == []


async def test_no_answer_means_no_and_the_status_says_what_trust_would_change(
    policy: ScriptedPolicy, tmp_path: Path, work: Path, canaries: Path
) -> None:
    """One click on the status, or the command, changes it."""
    answers(policy)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key) as editor:
        await editor.open(TOTAL, path="src/shop/prices.py")
        await editor.until(lambda: editor.questions)
        await editor.until(lambda: any("Trust the folder" in status["message"] for status in editor.statuses))
        told = next(status for status in editor.statuses if "Trust the folder" in status["message"])
        assert told["command"]["command"] == "plum.trust"
        offer = await editor.suggest()
        assert offer is None or not offer.evidence["tests"]
        assert list(canaries.iterdir()) == []
        assert await editor.command("plum.trust") == {"trusted": str(work), "problem": ""}
        offer = await editor.suggest()
        assert offer is not None
        assert offer.is_verified
        assert len(editor.questions) == 1


async def test_the_name_of_a_folder_is_no_link_in_the_question(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """VS Code draws `[text](command:…)` in a message as a link, which the user would click to answer."""
    answers(policy)
    folder = tmp_path / "[Trust](command:plum.trust) $(zap) \u202e"
    tree(folder / "work", {"pyproject.toml": "[project]\nname = 'shop'\n", "src/shop/prices.py": "X = 1\n"})
    async with Editor.running(folder=folder, policy_url=policy.url, api_key=policy.api_key) as editor:
        await editor.open("X = 1\n", path="src/shop/prices.py")
        await editor.until(lambda: editor.questions)
        assert "do you trust" in editor.questions[0]
        assert [part for part in ("](", "$(", "\u202e") if part in editor.questions[0]] == []


async def test_never_is_remembered(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """A folder that was declined is not asked about in the next session."""
    for _ in range(2):
        async with Editor.running(
            folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, reply="Never"
        ) as editor:
            await editor.open(TOTAL, path="src/shop/prices.py")
            await editor.until(lambda: TrustBook(tmp_path / "data").read().declined == (work,))
            await editor.until_ready()
            questions = len(editor.questions)
    assert questions == 0
