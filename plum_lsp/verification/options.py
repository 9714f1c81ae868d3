"""Derives the options for running candidates from the settings."""

from __future__ import annotations

from plum_lsp.config import Settings, cache_dir
from plum_lsp.config.patterns import excluded_by
from plum_lsp.domain.verification import Limits
from plum_lsp.sandbox.host import SandboxOptions

MEGABYTE = 1024 * 1024


def sandbox_options(settings: Settings) -> SandboxOptions:
    """The options of the sandbox package.

    Raises:
        ConfigError: the cache folder cannot be created.
    """
    jail = settings.sandbox
    return SandboxOptions(
        interpreter=jail.interpreter,
        jobs=jail.jobs,
        hides=excluded_by(settings.privacy.exclude).cover,
        cache=cache_dir(settings) / "installed",
    )


def limits_of(settings: Settings) -> Limits:
    """The time, memory and output that each candidate may use."""
    return Limits(
        wall_seconds=settings.sandbox.wall_seconds,
        cpu_seconds=settings.sandbox.wall_seconds,
        memory_bytes=settings.sandbox.memory_mb * MEGABYTE,
    )
