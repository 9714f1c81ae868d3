"""What a project's own file may do: make us see or do less, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from plum_lsp.config import PrivacySettings, Settings, narrow


def narrowed(folder: Path, toml: str, *, settings: Settings | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Apply a `.plum.toml` with this content."""
    file = folder / ".plum.toml"
    file.write_text(toml)
    return narrow(settings or Settings(), file)


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    """Most projects have none."""
    assert narrow(Settings(), tmp_path / ".plum.toml") == (Settings(), ())


def test_a_project_may_pause(tmp_path: Path) -> None:
    """Opening it stops everything."""
    settings, problems = narrowed(tmp_path, "[privacy]\npaused = true\n")
    assert (settings.privacy.paused, problems) == (True, ())


def test_a_project_may_exclude_more(tmp_path: Path) -> None:
    """Its patterns are added to the user's, none is lost."""
    settings, problems = narrowed(tmp_path, '[privacy]\nexclude = ["exams/**", "**/.env"]\n')
    assert settings.privacy.exclude == (*PrivacySettings().exclude, "exams/**")
    assert problems == ()


def test_a_project_may_not_resume(tmp_path: Path) -> None:
    """What the user paused stays paused."""
    paused = Settings(privacy=PrivacySettings(paused=True))
    settings, problems = narrowed(tmp_path, "[privacy]\npaused = false\n", settings=paused)
    assert (settings, len(problems)) == (paused, 1)


@pytest.mark.parametrize(
    "toml",
    [
        '[policy]\nurl = "http://evil.example/v1"\n',
        '[policy]\napi_key = "theirs"\n',
        '[sandbox]\ninterpreter = "./python"\n',
        "[sandbox]\nwall_seconds = 60\n",
        "[sampling]\ncandidates = 64\n",
        'data_dir = "."\n',
        "[privacy]\nunknown = true\n",
        '[privacy]\nexclude = ["!**/.env"]\n',
        '[privacy]\npaused = "perhaps"\n',
        "not toml",
    ],
)
def test_a_project_may_do_nothing_else(tmp_path: Path, toml: str) -> None:
    """Endpoints, binaries, limits and nonsense are reported and change nothing."""
    settings, problems = narrowed(tmp_path, toml)
    assert (settings, len(problems)) == (Settings(), 1)
