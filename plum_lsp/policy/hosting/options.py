"""The options of the policy, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plum_lsp.config import Settings, cache_dir, data_dir_if_any
from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.models.catalogue import default_entry
from plum_lsp.policy.versions.folders import VersionStore


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions:
    """Which policy answers. An empty `url` means a server that plum-lsp starts with `model`.

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
        return VersionStore(versions_folder(self.data_dir)) if self.data_dir else None


def policy_options(settings: Settings) -> PolicyOptions:
    """What the policy package needs of the settings."""
    policy = settings.policy
    return PolicyOptions(
        url=policy.url,
        model=policy.model or ("" if policy.url else default_entry().name),
        api_key=policy.api_key,
        model_folder=Path(policy.model_folder).expanduser() if policy.model_folder else None,
        offline=policy.offline,
        threads=policy.threads,
        context_tokens=policy.context_tokens,
        idle_seconds=policy.idle_seconds,
        cache_dir=cache_dir(settings),
        ca_file=policy.ca_file,
        proxy=policy.proxy,
        data_dir=data_dir_if_any(settings),
    )
