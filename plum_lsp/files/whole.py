"""Writes files in one step. It does not make folders, and it does not lock: of two writers the last one stays."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

PART_SUFFIX = ".tmp"
"""Of the hidden file beside the target. A process that is killed leaves it behind."""


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, is_durable: bool = False) -> None:
    """Write a file in one step. With `is_durable` it is on the disk when this returns, so it survives a crash.

    Args:
        mode: its permissions, less those that the process masks.

    Raises:
        OSError: it cannot be written. The old file is as it was.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if is_durable:
        sync(path.parent)


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Write a value as JSON in one step, and wait until it is on the disk."""
    write_whole(path, json.dumps(value).encode(), mode=mode, is_durable=True)


def sync(path: Path) -> None:
    """Flush the content of a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
