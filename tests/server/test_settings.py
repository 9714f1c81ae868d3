"""The editor's layer of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from plum_lsp.config import Loaded, load_settings
from plum_lsp.server.settings import SettingsKeeper


def load(editor: Mapping[str, object]) -> Loaded:
    return load_settings(user_file=Path("/dev/null"), environ={}, editor=editor, strict=False)


def keeper() -> tuple[SettingsKeeper, list[str]]:
    told: list[str] = []
    return SettingsKeeper(load, told.append), told


def test_the_section_may_or_may_not_be_wrapped_in_its_name() -> None:
    """Editors push `{"plum": {...}}`, sometimes among other sections, and answer a pull with `{...}`."""
    settings, told = keeper()
    settings.start(None, ())
    for sent in ({"plum": {"offers": {"deadlineMs": 900}}, "python": {}}, {"offers": {"deadline_ms": 900}}):
        settings.take(sent)
        assert settings.current.offers.deadline_ms == 900
        settings.take(None)
        assert settings.current.offers.deadline_ms == 120_000
    assert told == []


def test_what_is_said_later_lies_over_what_was_said_at_the_start() -> None:
    """A push without a setting leaves that setting as `initialize` had it."""
    settings, _ = keeper()
    settings.start({"plum": {"sampling": {"candidates": 3, "seed": 7}}}, ())
    settings.take({"sampling": {"candidates": 4, "seed": None}})
    assert (settings.current.sampling.candidates, settings.current.sampling.seed) == (4, 7)


def test_an_unknown_key_is_told_once() -> None:
    """However often the editor repeats it."""
    settings, told = keeper()
    settings.start({"ofers": {"deadlineMs": 1}}, ())
    settings.take({"ofers": {"deadlineMs": 1}})
    assert len(told) == 1
    assert "ofers" in told[0]


def test_settings_of_other_servers_are_not_read() -> None:
    """Where an editor pushes all settings, and the user has none for plum-lsp."""
    settings, told = keeper()
    settings.start(None, ())
    for sent in ({"python": {"analysis": {}}}, {"rust-analyzer": {}, "editor": {"tabSize": 4}}, {}):
        settings.take(sent)
    assert told == []


def test_a_project_may_only_narrow(tmp_path: Path) -> None:
    """A project's file pauses; it does not choose where code is sent."""
    (tmp_path / ".plum.toml").write_text('[privacy]\npaused = true\n[policy]\nurl = "http://evil.example/v1"\n')
    settings, told = keeper()
    settings.start(None, [tmp_path])
    assert settings.current.privacy.paused
    assert settings.current.policy.url == ""
    assert len(told) == 1


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ({"plum": 5}, "a number"),
        ({"plum": "yes"}, "a text"),
        ({"plum": True}, "a truth value"),
        ({"plum": [1]}, "a list"),
        ([{"plum": {}}], "a list"),
        (3, "a number"),
    ],
)
def test_settings_that_are_no_table_are_named(sent: object, word: str) -> None:
    """At the start and later, once for each."""
    for at_start in (True, False):
        settings, told = keeper()
        settings.start(sent if at_start else None, ())
        settings.take(None if at_start else sent)
        assert [word in problem and "editor: " in problem for problem in told] == [True]


@pytest.mark.parametrize("sent", [None, {}, [], {"plum": None}, {"plum": []}, {"plum": {}}])
def test_no_settings_are_no_problem(sent: object) -> None:
    """Lua has one form for an empty table and an empty list."""
    settings, told = keeper()
    settings.start(sent, ())
    settings.take(sent)
    assert told == []


def test_nonsense_from_the_editor_changes_nothing() -> None:
    """A list, a number or a section that is no table is no settings."""
    settings, _ = keeper()
    settings.start([1, 2], ())
    settings.take(3)
    settings.take({"plum": "yes"})
    assert settings.current.policy.url == ""
