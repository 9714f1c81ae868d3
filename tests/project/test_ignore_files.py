"""`.plumignore`: what it names is not asked about, not recorded, and what was recorded before teaches nothing."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident

import pytest
from support.bench import Bench
from support.editor import Editor
from support.learning import fill

from plum_lsp.config import PrivacySettings, Settings
from plum_lsp.config import patterns as wanted
from plum_lsp.config.folder import store_file
from plum_lsp.domain.suggestion import AbstentionReason, RequestId
from plum_lsp.feedback.rebuild import rebuild
from plum_lsp.project import privacy
from plum_lsp.project.privacy import IGNORE_BYTES_MAX, private, refusal
from plum_lsp.store.preferences import open_preferences
from plum_trainer.loop.trainer import utc_now


def is_refused(path: Path) -> bool:
    """Whether a question about the file is turned down; for no other reason than privacy."""
    refused = refusal(RequestId("r"), path.as_uri(), PrivacySettings(exclude=()))
    assert refused is None or refused.reason is AbstentionReason.EXCLUDED
    return refused is not None


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        ("private.py", "private.py", True),
        ("private.py", "public.py", False),
        ("private.py", "deep/er/private.py", True),
        ("/private.py", "deep/private.py", False),
        ("generated/", "generated/a/b.py", True),
        ("*.pb.py", "x.pb.py", True),
        ("# private.py", "private.py", False),
        ("*.py\n!public.py", "public.py", True),
        ("", "private.py", False),
    ],
)
def test_patterns_count_from_their_folder(tmp_path: Path, lines: str, name: str, expected: bool) -> None:
    """As in `privacy.exclude`; comments say nothing, and nothing that is hidden is shown again."""
    (tmp_path / ".plumignore").write_text(lines)
    assert is_refused(tmp_path / name) is expected


def test_a_folder_above_and_one_below_both_count(tmp_path: Path) -> None:
    """A file of a sub-folder adds to the one above and reaches no sibling."""
    (tmp_path / "a").mkdir()
    (tmp_path / ".plumignore").write_text("one.py")
    (tmp_path / "a" / ".plumignore").write_text("two.py")
    assert is_refused(tmp_path / "a" / "one.py")
    assert is_refused(tmp_path / "a" / "two.py")
    assert not is_refused(tmp_path / "two.py")


def test_a_link_hides_what_it_leads_to(tmp_path: Path) -> None:
    """The ignore file beside the real file counts, too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "key.py").touch()
    (tmp_path / "real" / ".plumignore").write_text("key.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "key.py")
    assert is_refused(tmp_path / "link.py")


def test_one_that_cannot_be_read_hides_its_folder(tmp_path: Path) -> None:
    """Too large, or a link that leads to itself: a slip must hide too much, not too little."""
    (tmp_path / ".plumignore").write_text("#" * (IGNORE_BYTES_MAX + 1))
    assert is_refused(tmp_path / "a.py")
    (tmp_path / ".plumignore").write_bytes(b"\xff\xfe\nsecret.py\n")
    assert is_refused(tmp_path / "secret.py")
    assert not is_refused(tmp_path / "a.py")


async def test_nothing_of_an_ignored_file_reaches_policy_or_store(tmp_path: Path) -> None:
    """The editor is told why, and the pipeline, which alone records, never hears of it."""
    (tmp_path / ".plumignore").write_text("hidden.py")
    bench = Bench()
    async with Editor.connected(bench.serve) as editor:
        await editor.open("def add(a, b):\n    ‸", uri=(tmp_path / "hidden.py").as_uri())
        assert await editor.ask() == []
        assert (await editor.explain())["reason"] == "excluded"
    assert bench.requests == []


def test_what_was_recorded_before_teaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that an ignore file names by now is counted and left out of the pairs."""
    fill(tmp_path, functions=3)  # of files /p/add0.py to /p/add2.py
    monkeypatch.setattr(
        "plum_lsp.project.privacy.is_ignored", lambda path: os.fspath(path).endswith(("add0.py", "add1.py"))
    )
    with open_preferences(store_file(tmp_path)) as store:
        report = rebuild(store, now=utc_now(), is_private=private(Settings()))
    assert report["left_out_private_prompts"] == 2
    assert report["pair_verdict"] == 1


def nested(folder: Path, depth: int) -> Path:
    """A file below so many folders, each with the longest ignore file that is read, of patterns that do not match."""
    for number in range(depth):
        folder /= f"folder_{number}"
        folder.mkdir()
        (folder / ".plumignore").write_text("*[a-c]?*x.py\n" * (IGNORE_BYTES_MAX // 13))
    return folder / "a.py"


def test_an_ignore_file_is_read_once_for_each_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its folder is asked about; a new content is seen at once, with the same size, too."""
    read: list[str] = []
    real = wanted.patterns_of
    monkeypatch.setattr(privacy, "patterns_of", lambda text: read.append(text) or real(text))
    for content in ("one.py\n", "two.py\n"):
        (tmp_path / ".plumignore").write_text(content)
        for name in ("one.py", "two.py", "deep/one.py"):
            assert is_refused(tmp_path / name) is (Path(name).name in content)
    assert read == ["one.py\n", "two.py\n"]
    (tmp_path / ".plumignore").unlink()
    assert not is_refused(tmp_path / "two.py")


def test_patterns_are_compared_once_for_each_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second question about a path compares nothing, however many patterns there are."""
    file = nested(tmp_path, 12)
    (file.parent / ".plumignore").write_text("\n".join(f"*{number}?x" for number in range(wanted.PATTERNS_MAX)))
    compared: list[str] = []
    real = wanted._Part.matches
    monkeypatch.setattr(wanted._Part, "matches", lambda part, name: compared.append(name) or real(part, name))
    first = is_refused(file)
    assert compared
    compared.clear()
    assert is_refused(file) is first
    assert compared == []


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """Files, and paths that were asked about."""
    for number in range(privacy.FILES_KEPT_MAX + 20):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / ".plumignore").write_text("x.py")
        assert not is_refused(tmp_path / str(number) / "a.py")
    assert len(privacy._ignore_files._kept) <= privacy.FILES_KEPT_MAX
    patterns = wanted.Patterns(["x.py"])
    for number in range(2 * wanted._REMEMBERED_MAX):
        patterns.cover(f"{number}.py")
    assert len(patterns._answers) <= wanted._REMEMBERED_MAX


def test_too_many_patterns_hide_everything(tmp_path: Path) -> None:
    """And so does one that is too long: a slip must hide too much, not too little."""
    (tmp_path / ".plumignore").write_text("x.py\n" * (wanted.PATTERNS_MAX + 1))
    assert is_refused(tmp_path / "a.py")
    (tmp_path / ".plumignore").write_text("*" * (wanted.PATTERN_CHARACTERS_MAX + 1))
    assert is_refused(tmp_path / "a.py")


async def test_the_event_loop_reads_no_ignore_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for a question nor for an offer that is typed through."""
    threads: set[int] = set()
    real = privacy.is_ignored
    watched = lambda path: threads.add(get_ident()) or real(path)  # noqa: E731
    monkeypatch.setattr("plum_lsp.project.privacy.is_ignored", watched)
    (tmp_path / ".plumignore").write_text("private.py\n")
    bench = Bench(text="return a + b")
    async with Editor.connected(bench.serve) as editor:
        await editor.open("def add(a, b):\n    ‸", uri=(tmp_path / "open.py").as_uri())
        assert await editor.suggest() is not None
        await editor.type("return a")
        assert await editor.suggest(automatic=True) is not None
    assert threads and get_ident() not in threads
