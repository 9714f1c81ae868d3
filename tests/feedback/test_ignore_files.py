"""`.plumignore`: what it names is not asked about, not recorded, and what was recorded before teaches nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.bench import Bench
from support.editor import Editor
from support.learning import fill

from plum_lsp.cli.pairs import private
from plum_lsp.config import PrivacySettings, Settings
from plum_lsp.domain.suggestion import AbstentionReason, RequestId
from plum_lsp.pairing import rebuild
from plum_lsp.reading import IGNORE_BYTES_MAX
from plum_lsp.server.privacy import refusal
from plum_lsp.store import store_file
from plum_lsp.store.preferences import open_preferences
from plum_trainer.trainer import utc_now


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
        "plum_lsp.server.privacy.is_ignored", lambda path: os.fspath(path).endswith(("add0.py", "add1.py"))
    )
    with open_preferences(store_file(tmp_path)) as store:
        report = rebuild(store, now=utc_now(), is_private=private(Settings()))
    assert report["left_out_private_prompts"] == 2
    assert report["pair_verdict"] == 1
