"""Which policy answers, as the settings say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plum_lsp.policy.versions.folders import ADAPTERS, VersionStore


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions:
    """Which policy answers. An empty `url` means a server of our own that loads `model`.

    `threads` 0 chooses by what is idle.
    """

    cache_dir: Path
    url: str = ""
    model: str = ""
    api_key: str = ""
    model_folder: Path | None = None
    offline: bool = False
    threads: int = 0
    context_tokens: int = 4096
    idle_seconds: float = 900.0
    ca_file: str = ""
    proxy: str = ""
    data_dir: Path | None = None
    """The folder with published versions and the record of a running server. None means that there is none."""

    def store(self) -> VersionStore | None:
        """The published versions, where they are looked for."""
        return VersionStore(self.data_dir / ADAPTERS) if self.data_dir else None
