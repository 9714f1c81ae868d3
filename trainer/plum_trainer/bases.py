"""Which base model the adapters are for: its folder for training, its hash as the served file's, its end of text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.config import Settings, cache_dir
from plum_lsp.domain.errors import ConfigError
from plum_lsp.policy.models import catalogue, file_sha256, find_entry, require
from plum_trainer import children


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A base model. `source` is the GGUF file the folder is made from; None if the folder is the user's own.

    `sha256` is what candidates' rows name as their base: that of the served file, or empty where servers tell none.
    """

    folder: Path
    source: Path | None
    sha256: str
    end_token: str

    def prepare(self, report: Callable[[str], None]) -> None:
        """Have the folder ready.

        Raises:
            TrainerError: it cannot be made.
        """
        if self.source is not None:
            children.convert(self.source, self.folder, report=report)


def base_of(settings: Settings) -> BaseModel:
    """The base model that the settings mean. Nothing is loaded or made yet.

    Raises:
        ModelError: the model's file is not on this machine.
        ConfigError: `trainer.base` is no folder of a model.
    """
    cache = cache_dir(settings)
    name = settings.policy.model or next(iter(catalogue()))
    entry = catalogue().get(name)
    end_token = entry.stop[0] if entry and entry.stop else ""
    if settings.trainer.base:
        folder = Path(settings.trainer.base).expanduser()
        if not (folder / "config.json").is_file():
            raise ConfigError(f"{folder} holds no model (trainer.base)", remedy="It must be a Hugging Face folder.")
        return BaseModel(folder=folder, source=None, sha256=entry.sha256 if entry else "", end_token=end_token)
    path = Path(name).expanduser()
    if entry is None and path.suffix == ".gguf" and path.is_file():
        sha256 = file_sha256(path, cache_dir=cache)
        return BaseModel(folder=_folder(cache, path.stem, sha256), source=path, sha256=sha256, end_token="")
    if entry is None:
        if settings.policy.url:
            raise ConfigError(
                f"nothing tells where the base model of {name!r} is", remedy="Set PLUM_TRAINER_BASE to its folder."
            )
        entry = find_entry(name)
    folder_of_user = Path(settings.policy.model_folder) if settings.policy.model_folder else None
    source = require(entry, cache_dir=cache, folder=folder_of_user)
    return BaseModel(
        folder=_folder(cache, source.stem, entry.sha256), source=source, sha256=entry.sha256, end_token=end_token
    )


def _folder(cache: Path, stem: str, sha256: str) -> Path:
    """Where a converted base is kept; a conversion of another kind would get another name."""
    return cache / "bases" / f"{stem}-{hashlib.sha256(sha256.encode()).hexdigest()[:8]}-bf16"
