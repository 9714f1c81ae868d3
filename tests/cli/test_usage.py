"""Wrong usage: refused before anything is started, with the exit statuses that shells know."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.command_line import ADD

from plum_lsp.cli import plum_lsp


def run(folder: Path, *arguments: str) -> Result:
    """Run a command in this process."""
    environ = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PLUM_DATA_DIR": str(folder / "data")}
    return CliRunner().invoke(plum_lsp, arguments, env=environ, catch_exceptions=False)


def complete(folder: Path, content: bytes, *options: str) -> Result:
    """Complete in a file with that content."""
    file = folder / "file.py"
    file.write_bytes(content)
    return run(folder, "complete", str(file), *options)


@pytest.mark.parametrize("command", list(plum_lsp.list_commands(None)))  # type: ignore[arg-type]
def test_every_command_helps(command: str, tmp_path: Path) -> None:
    """And says in its first line what it does."""
    result = run(tmp_path, command, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


def test_help_lists_every_command(tmp_path: Path) -> None:
    """With one line for each."""
    result = run(tmp_path, "--help")
    assert result.exit_code == 0
    for command in plum_lsp.list_commands(None):  # type: ignore[arg-type]
        assert f"\n  {command} " in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("comlpete",),
        ("complete",),
        ("complete", "missing.py", "--line", "1"),
        ("complete", ".", "--line", "1"),
        ("complete", __file__),
        ("complete", __file__, "--line", "0"),
        ("complete", __file__, "--line", "one"),
        ("complete", __file__, "--line", "1", "--column", "0"),
        ("complete", __file__, "--line", "1", "--candidates", "65"),
        ("complete", __file__, "--line", "1", "--deadline-ms", "1"),
        ("complete", __file__, "--line", "1", "--seed", "-1"),
        ("doctor", "--yaml"),
        ("explain", "one", "two"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Ends with 2 and says which command helps."""
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output


def test_a_line_past_the_end(tmp_path: Path) -> None:
    """Ends with 1 and says how many lines there are."""
    result = complete(tmp_path, ADD.encode(), "--line", "99")
    assert result.exit_code == 1
    assert "has 10 lines. There is no line 99" in " ".join(result.output.split())


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Ends with 1 and says where."""
    result = complete(tmp_path, b"x = 1\n\xff", "--line", "1")
    assert result.exit_code == 1
    assert "is not UTF-8 text (byte 6)" in " ".join(result.output.split())
