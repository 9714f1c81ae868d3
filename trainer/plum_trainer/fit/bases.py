"""Which base model the adapters are for: its folder for training, its hash as the served file's, its end of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.config import Settings, cache_dir
from plum_lsp.domain.errors import ConfigError
from plum_lsp.policy.models import weights
from plum_lsp.policy.models.catalogue import ModelEntry, catalogue, default_entry, require
from plum_lsp.policy.models.conversion import converted_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A base model. `source` is the GGUF file of the catalogue's `entry`. None if the folder belongs to the user."""

    name: str
    folder: Path
    source: Path | None
    entry: ModelEntry | None
    sha256: str
    end_token: str
    cache_dir: Path

    def prepare(self, report: Callable[[str], None]) -> None:
        """Have the folder ready: made from the GGUF file, once.

        Raises:
            ModelError: it cannot be made.
            PolicyUnavailable: torch and transformers are not installed.
        """
        if self.source is not None and self.entry is not None:
            if weights.read_mark(self.folder) != self.sha256:
                report(f"making {self.folder.name} from {self.source.name}, once")
            converted_folder(self.entry, cache_dir=self.cache_dir)

    def facts(self) -> weights.BaseModel:
        """What an adapter must fit.

        Raises:
            ModelError: the file or folder is damaged.
        """
        return weights.read_base(self.source or self.folder, cache_dir=self.cache_dir, name=self.name)


def base_of(settings: Settings) -> BaseModel:
    """The base model that the settings name. It is not loaded or converted yet.

    Raises:
        ModelError: the model's file is not on this machine.
        ConfigError: `trainer.base` is no folder of a model, or the settings name no base.
    """
    cache = cache_dir(settings)
    name = settings.policy.model or default_entry().name
    entry = catalogue().get(name)
    end_token = entry.stop[0] if entry and entry.stop else ""
    if settings.trainer.base:
        return folder_base(Path(settings.trainer.base).expanduser().absolute(), cache_dir=cache, end_token=end_token)
    if entry is None:
        raise ConfigError(
            f"the folder of the base model {name!r} is unknown", remedy="Set PLUM_TRAINER_BASE to its folder."
        )
    folder_of_user = Path(settings.policy.model_folder) if settings.policy.model_folder else None
    return BaseModel(
        name=entry.name,
        folder=cache / "models" / f"{entry.name}-hf",
        source=require(entry, cache_dir=cache, folder=folder_of_user),
        entry=entry,
        sha256=entry.sha256,
        end_token=end_token,
        cache_dir=cache,
    )


def folder_base(folder: Path, *, cache_dir: Path, end_token: str = "") -> BaseModel:
    """The base model in a Hugging Face folder of the user's.

    Raises:
        ConfigError: it holds no model.
        ModelError: it is damaged.
    """
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder} holds no model (trainer.base)", remedy="It must be a Hugging Face folder.")
    facts = weights.read_base(folder, cache_dir=cache_dir)
    return BaseModel(
        name=facts.name,
        folder=folder,
        source=None,
        entry=None,
        sha256=facts.sha256,
        end_token=end_token,
        cache_dir=cache_dir,
    )
