"""The index of installed packages: kept for the next process, made again after a change, and never trusted when broken.

A file that the index leaves out would not be searched for a copy of what a candidate should write.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from support.projects import tree

from plum_lsp.sandbox.projects import installed
from plum_lsp.sandbox.projects.installed import KEPT_MAX, Installed

PACKAGES = {
    "shop/core.py": "def total(rows):\n    return sum(rows)\n",
    "shop/tests/test_core.py": "def test_total():\n    assert total([1]) == 1\n",
    "shop-1.0.dist-info/RECORD": "",
    "other/sides.py": "def other(x):\n    return total(x)\n",
}
NAMING = ["shop/core.py", "shop/tests/test_core.py"]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages."""
    return tree(tmp_path / "site-packages", PACKAGES)


def naming(packages: Path, cache: Path | None, name: str = "total") -> list[str]:
    """The files that mention a name, asked of a new process."""
    _, found = Installed([str(packages)], cache).naming(name.encode())
    return sorted(os.path.relpath(path, packages) for path in found)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents that were read for an index."""
    seen: list[bytes] = []
    names = installed._names

    def noting(content: bytes, *, is_text: bool) -> set[bytes]:
        seen.append(content)
        return names(content, is_text=is_text)

    monkeypatch.setattr(installed, "_names", noting)
    return seen


def test_the_next_process_reads_no_package(packages: Path, tmp_path: Path, reads: list[bytes]) -> None:
    """Also after Python has left compiled files there, whose folders have a new time."""
    cache = tmp_path / "cache/installed"
    assert naming(packages, cache) == NAMING
    assert len(reads) == 3
    tree(packages, {"shop/__pycache__/core.cpython-311.pyc": "", "__pycache__/single.cpython-311.pyc": ""})
    assert naming(packages, cache) == NAMING
    assert naming(packages, cache, "unknown") == []
    assert len(reads) == 3
    assert cache.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change",
    [{"new/parts.py": "def total(): ...\n"}, {"single.py": "def total(): ...\n"}, {"shop-1.0.dist-info/REQUESTED": ""}],
    ids=["added", "single file", "installed again"],
)
def test_a_change_makes_it_again(packages: Path, tmp_path: Path, reads: list[bytes], change: dict[str, str]) -> None:
    """A package that is added or installed again, and a module that is one file."""
    cache = tmp_path / "cache"
    naming(packages, cache)
    read = len(reads)
    tree(packages, change)
    assert naming(packages, cache) == sorted({*NAMING, *(name for name in change if name.endswith(".py"))})
    assert len(reads) > read


@pytest.mark.parametrize("kept", [0, 8, 100, -1])
def test_a_damaged_index_is_made_again(packages: Path, tmp_path: Path, kept: int) -> None:
    """No file is left out because of it, and the next process finds it whole."""
    cache = tmp_path / "cache"
    naming(packages, cache)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:kept], whole[:kept] + b"?" * (len(whole) - len(whole[:kept]))):
        path.write_bytes(damaged)
        assert naming(packages, cache) == NAMING
        assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written(packages: Path, tmp_path: Path) -> None:
    """The index is in memory."""
    (tmp_path / "cache").write_text("a file")
    assert naming(packages, tmp_path / "cache/installed") == NAMING


def test_a_full_disk_leaves_no_half(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a file beside it."""

    def full(_: bytes) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(installed, "_digest", full)
    assert naming(packages, tmp_path / "cache") == NAMING
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_environment_without_files(tmp_path: Path) -> None:
    """And one that is not there: no file mentions the name, then and for the next process."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "absent"):
        for _ in range(2):
            assert naming(folder, tmp_path / "cache") == []


def test_a_compiled_file_may_mention_any_name(packages: Path, tmp_path: Path) -> None:
    """One without a source beside it."""
    tree(packages, {"hidden/core.pyc": ""})
    for _ in range(2):
        assert naming(packages, tmp_path / "cache", "unknown") == ["hidden/core.pyc"]


def test_old_ones_are_removed(tmp_path: Path) -> None:
    """Those of environments that were not used for longest."""
    for number in range(KEPT_MAX + 3):
        naming(tree(tmp_path / str(number), PACKAGES), tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == KEPT_MAX
