"""Bringing one URL to one file over a bad line: HTTP Range, retries, a bound on size. Does not know about models."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import certifi
import httpx

from plum_lsp.domain.errors import ModelError

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 6
"""Attempts in a row without any bytes. An attempt that brings bytes resets the count."""

BACKOFF_SECONDS = 0.5
"""Wait before the second attempt. It doubles each time."""

CONNECT_SECONDS = 6.0
"""A source that does not answer must not hold up the next one for long."""

READ_SECONDS = 60.0
"""A stalled transfer is taken up again after this."""

CHUNK_BYTES = 256 * 1024

Report = Callable[[int, int | None], None]
"""Called with the bytes done and the total (None if unknown). It may raise to stop the transfer. Written bytes stay."""


class DownloadFailed(Exception):
    """This source is not available. The next one is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What to bring: never more than `bytes_max` bytes."""

    url: str
    bytes_max: int


def download(wanted: Download, part: Path, *, client: httpx.Client, report: Report) -> None:
    """Append to `part` until it holds all of the URL's content, taking up what an earlier attempt left there.

    Raises:
        DownloadFailed: the source cannot be had (`part` keeps what came).
        ModelError: the disk is full.
    """
    if wanted.url.startswith("file:"):
        _copy(Path(unquote(urlsplit(wanted.url).path)), part)
        return
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(wanted, part, client=client, report=report)
            return
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= ATTEMPTS_MAX or not _may_pass(error):
                raise DownloadFailed(_tell(error)) from error
            logger.info("trying again after: %s", _tell(error))
        time.sleep(BACKOFF_SECONDS * 2 ** (failures - 1))


def _attempt(wanted: Download, part: Path, *, client: httpx.Client, report: Report) -> None:
    """One request for what is missing."""
    done = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with client.stream("GET", wanted.url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range") == f"bytes */{done}":
                return
            part.unlink()
            raise httpx.ReadError("the file at the source changed its size")
        response.raise_for_status()
        if not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            done = 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        if total is not None and total > wanted.bytes_max:
            raise DownloadFailed(f"{total:,} bytes are offered where at most {wanted.bytes_max:,} belong")
        with part.open("ab" if done else "wb") as file:
            report(done, total)
            for chunk in response.iter_raw():
                done += len(chunk)
                if done > wanted.bytes_max:
                    raise DownloadFailed(f"more than {wanted.bytes_max:,} bytes came")
                write(file, chunk)
                report(done, total)
    if total is not None and done < total:
        raise httpx.ReadError(f"the connection ended {total - done:,} bytes early")


def make_client() -> httpx.Client:
    """A client with the user's proxy that trusts the authorities of the system, of certifi and of the user."""
    context = ssl.create_default_context()
    names = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    for path in {os.environ.get(name, "") for name in names} | {certifi.where()}:
        if path and Path(path).is_file():
            context.load_verify_locations(path)
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return httpx.Client(verify=context, timeout=timeout, follow_redirects=True)


def write(file: BinaryIO, data: bytes) -> None:
    """Write, telling a full disk, quota or file-size limit apart from other trouble.

    Raises:
        ModelError: there is no room.
    """
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise no_room(Path(str(file.name)).parent) from error
        raise


def no_room(folder: Path, *, needed_bytes: int | None = None) -> ModelError:
    """The error for a full disk."""
    needed = f"{needed_bytes:,} bytes are needed, " if needed_bytes else ""
    free = f"{shutil.disk_usage(folder).free:,} bytes are free" if folder.exists() else "none are free"
    return ModelError(
        f"no room for the model in {folder}: {needed}{free}",
        remedy="Free some space, or set PLUM_CACHE_DIR to a folder on a larger disk.",
    )


def _copy(source: Path, part: Path) -> None:
    """A source on this machine (an index in a folder)."""
    try:
        with source.open("rb") as reader, part.open("wb") as file:
            while chunk := reader.read(CHUNK_BYTES):
                write(file, chunk)
    except OSError as error:
        raise DownloadFailed(str(error)) from error


def _may_pass(error: httpx.TransportError | httpx.HTTPStatusError) -> bool:
    """Whether trying again can help: not for an unknown host, a refused connection or a missing file."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in {408, 425, 429, 500, 502, 503, 504}
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror | ConnectionRefusedError | ssl.SSLCertVerificationError):
            return False
        cause = cause.__cause__ or cause.__context__
    return not isinstance(error, httpx.ConnectTimeout | httpx.UnsupportedProtocol | httpx.ProxyError)


def _tell(error: httpx.TransportError | httpx.HTTPStatusError) -> str:
    """The error in one line without a query string, which may hold a signature."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code} from {error.request.url.host}"
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
