"""The systemd user unit: what systemd reads in it, and what it starts."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from plum_lsp.cli import plum_lsp
from plum_lsp.policy.hosting.unit import UNIT_NAME, unit_text


def command_of(text: str) -> list[str]:
    """The words of ExecStart, unescaped as systemd.service(5) says."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    assert parser["Service"]["Restart"] == "on-failure"
    assert parser["Install"]["WantedBy"] == "default.target"
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(parser["Service"]["ExecStart"])]


@pytest.mark.parametrize(
    "arguments", [(), ("--model", "/models/my coder"), ("--name", "100%"), ("--", "$HOME"), ('{"a": "b\\"}',)]
)
def test_command_survives_systemds_quoting(arguments: tuple[str, ...]) -> None:
    """Blanks, quotes, percent and dollar signs arrive as they were written."""
    words = command_of(unit_text("/opt/a b/python", arguments))
    assert words == ["/opt/a b/python", "-P", "-m", "plum_lsp", "policy", "serve", *arguments]


def test_installed_unit_starts_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`policy install-unit` writes it where systemd looks, and says how to start it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = CliRunner().invoke(plum_lsp, ["policy", "install-unit", "--", "--engine", "llamacpp"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "systemd" / "user" / UNIT_NAME).read_text()
    assert command_of(text)[0] == sys.executable
    assert command_of(text)[-2:] == ["--engine", "llamacpp"]
    assert "systemctl --user enable --now" in done.output


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine; the unit is parsed above")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """systemd's own check of the unit."""
    path = tmp_path / UNIT_NAME
    path.write_text(unit_text(sys.executable, ("--model", "my coder 100% $x")))
    done = subprocess.run(["systemd-analyze", "--user", "verify", path], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if UNIT_NAME in line]
    assert complaints == []
