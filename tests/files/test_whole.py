"""A file that is written in one step is the old one or the new one."""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plum_lsp.files.whole import write_json, write_whole


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may be longer than four bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("is_durable", [False, True])
def test_the_new_content_replaces_the_old(tmp_path: Path, is_durable: bool) -> None:
    """Only the user can read it, and nothing stays beside it."""
    path = tmp_path / "kept"
    write_whole(path, b"old", is_durable=is_durable)
    write_whole(path, b"new content", is_durable=is_durable)
    assert path.read_bytes() == b"new content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The part that was written is removed."""
    path = tmp_path / "kept"
    write_whole(path, b"old")
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError):
        write_whole(path, b"longer than four bytes")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


def test_a_target_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    """The folder stays, and the part beside it does not."""
    (tmp_path / "kept").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "kept", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]


def test_the_mask_of_the_process_holds(tmp_path: Path) -> None:
    """A mode for all does not open a file of a user who shares none."""
    mask = os.umask(0o077)
    try:
        write_json(tmp_path / "kept", {"a": 1})
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "kept").read_text()) == {"a": 1}
