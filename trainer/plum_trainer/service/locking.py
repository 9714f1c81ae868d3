"""One trainer at a time on a data folder. The lock dies with its process, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from plum_lsp.config.folder import lock_file
from plum_trainer.fit.job import TrainerError


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        TrainerError: another trainer holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock_file(folder), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise TrainerError(f"{folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainerError("another plum-trainer is at work on this data folder") from None
        yield
    finally:
        os.close(descriptor)
