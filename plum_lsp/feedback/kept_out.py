"""Reads the benchmark tasks that the settings keep out of training."""

from __future__ import annotations

from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.domain.errors import ConfigError
from plum_lsp.feedback.exclusion import Exclusions, exclusions_of


def exclusions(settings: Settings) -> Exclusions | None:
    """The benchmark tasks that the settings keep out: those of `learning.exclude_tasks` and of `gate.benchmark`.

    Raises:
        ConfigError: the file cannot be read, or it does not hold benchmark rows.
    """
    names = [name for name in (settings.learning.exclude_tasks, settings.gate.benchmark) if name]
    lines: list[str] = []
    for path in [Path(name).expanduser() for name in names]:
        try:
            read = path.read_text(encoding="utf-8").splitlines()
            exclusions_of(read)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be used as benchmark rows: {error}") from error
        lines += read
    return exclusions_of(lines) if names else None
