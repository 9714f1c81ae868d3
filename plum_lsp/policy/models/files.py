"""Writes small files in one step, and waits until they are on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Write a file in one step. A reader finds the old or the new content, also after a crash."""
    replacement = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        replacement.touch(mode=mode)
        replacement.write_text(json.dumps(value), encoding="utf-8")
        sync(replacement)
        replacement.replace(path)
    finally:
        replacement.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush the content of a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
