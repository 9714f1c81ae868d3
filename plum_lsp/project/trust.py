"""Stores which folders' code may be executed. The user's answers are kept in a file that only the user can write.

Trust covers all folders below a trusted one, including repositories within it, as in VS Code. Links are resolved when
trust is given and when it is checked, so a moved link carries no trust. The module executes no code.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from plum_lsp.config.folder import trusted_file
from plum_lsp.domain.errors import ConfigError
from plum_lsp.files.whole import write_whole
from plum_lsp.project.roots import is_too_wide

_log = logging.getLogger(__name__)
_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The user's answers for folders. The user is not asked again about a `declined` one."""

    trusted: tuple[Path, ...] = ()
    declined: tuple[Path, ...] = ()

    def covering(self, folder: Path) -> Path | None:
        """The trusted folder that a resolved folder is or lies in."""
        return next((one for one in self.trusted if folder.is_relative_to(one)), None)


class TrustBook:
    """The stored answers. Every check reads the file, so that a change by another process takes effect at once."""

    def __init__(self, data_dir: Path) -> None:
        self._file = trusted_file(data_dir)

    def read(self) -> Answers:
        """The stored answers. Empty if the file is missing or damaged, or if other users can write it."""
        try:
            with self._file.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_uid not in (os.getuid(), 0) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    _log.warning("%s could have been written by others and is not used", self._file)
                    return Answers()
                content = json.loads(file.read(_BYTES_MAX))
            return Answers(trusted=_folders(content["trusted"]), declined=_folders(content["declined"]))
        except FileNotFoundError:
            return Answers()
        except (OSError, ValueError, LookupError, TypeError) as error:
            _log.warning("%s cannot be read, so no folder is trusted: %s", self._file, type(error).__name__)
            return Answers()

    def covers(self, folder: Path) -> bool:
        """Whether a folder's code may be executed."""
        return self.read().covering(folder.resolve()) is not None

    def trust(self, folder: Path) -> Path:
        """Store that a folder and all folders below it are trusted. Returns the folder with its links resolved.

        Raises:
            ConfigError: there is no such folder, it holds far more than a project, or the answer cannot be stored.
        """
        resolved = folder.expanduser().resolve()
        if not resolved.is_dir():
            raise ConfigError(f"{resolved} is no folder")
        if is_too_wide(resolved):
            raise ConfigError(
                f"{resolved} holds far more than a project", remedy="Trust the folder of a single project."
            )
        self._change(
            lambda before: Answers(
                trusted=(*_outside(before.trusted, resolved), resolved), declined=_outside(before.declined, resolved)
            )
        )
        return resolved

    def decline(self, folder: Path) -> None:
        """Store that the user must not be asked about a folder again.

        Raises:
            ConfigError: the answer cannot be stored.
        """
        resolved = folder.expanduser().resolve()
        self._change(lambda before: replace(before, declined=(*_outside(before.declined, resolved), resolved)))

    def revoke(self, folder: Path) -> tuple[Path, ...]:
        """Delete the answers for a folder and for the folders below it. Returns the folders that were trusted.

        Raises:
            ConfigError: the change cannot be stored.
        """
        resolved = folder.expanduser().resolve()
        gone: list[Path] = []

        def without(before: Answers) -> Answers:
            gone.extend(one for one in before.trusted if one.is_relative_to(resolved))
            return Answers(trusted=_outside(before.trusted, resolved), declined=_outside(before.declined, resolved))

        self._change(without)
        return tuple(gone)

    def _change(self, change: Callable[[Answers], Answers]) -> None:
        """Replace the file atomically, one process at a time."""
        try:
            with self._locked():
                after = change(self.read())
                content = {
                    "trusted": [str(one) for one in after.trusted],
                    "declined": [str(one) for one in after.declined],
                }
                write_whole(self._file, json.dumps(content, indent=1).encode(), is_durable=True)
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with os.fdopen(os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _folders(value: object) -> tuple[Path, ...]:
    """The absolute folders in a list."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(Path(one) for one in value if isinstance(one, str) and Path(one).is_absolute())


def _outside(folders: tuple[Path, ...], folder: Path) -> tuple[Path, ...]:
    """The folders that are neither the given folder nor below it."""
    return tuple(one for one in folders if not one.is_relative_to(folder))
