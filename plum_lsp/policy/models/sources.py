"""What `--model` and `--engine` mean together: the file or folder the engine loads."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.policy.models.catalogue import catalogue, identify, require
from plum_lsp.policy.models.conversion import converted_folder
from plum_lsp.policy.models.weights import read_mark

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSource:
    """A model for an engine: `path` is a GGUF file for llama.cpp and a folder for vLLM."""

    name: str
    path: Path
    engine: str


def served_source(model: str, engine: str, *, cache_dir: Path, folder: Path | None) -> ServedSource:
    """The file or folder of `model` for `engine` (empty: the engine that suits the model).

    Raises:
        ModelError: there is no such model, or not for this engine.
        PolicyUnavailable: the engine is not installed.
    """
    path = Path(model).expanduser()
    if model in catalogue():
        entry = catalogue()[model]
        if engine != "vllm":
            return _ready(model, require(entry, cache_dir=cache_dir, folder=folder), "llamacpp")
        return _ready(model, converted_folder(entry, cache_dir=cache_dir, folder=folder), "vllm")
    if path.is_file():
        if engine == "vllm":
            raise ModelError(f"{path} is a file; vLLM is given a Hugging Face folder")
        return _ready(identify(path, cache_dir=cache_dir).name, path.resolve(), "llamacpp")
    if (path / "config.json").is_file():
        if engine == "llamacpp":
            raise ModelError(f"{path} is a folder; llama.cpp is given a GGUF file")
        mark = read_mark(path)  # the hash of the file that the folder was made from
        name = next((entry.name for entry in catalogue().values() if entry.sha256 == mark), path.name)
        return _ready(name, path.resolve(), "vllm")
    if _HUB_ID.fullmatch(model) and engine != "llamacpp":
        return _ready(model.rpartition("/")[2], _snapshot(model), "vllm")
    raise ModelError(f"{model!r} is no model", remedy=f"Known names: {', '.join(catalogue())}.")


def _ready(name: str, path: Path, engine: str) -> ServedSource:
    package, extra = {"llamacpp": ("xllamacpp", "local"), "vllm": ("vllm", "serve")}[engine]
    if importlib.util.find_spec(package) is None:
        remedy = f"Run: pip install 'plum-lsp[{extra}]'" + (", or without a GPU: make setup-model" * (engine == "vllm"))
        raise PolicyUnavailable(f"{package} is not installed", remedy=remedy)
    return ServedSource(name=name, path=path, engine=engine)


def _snapshot(hub_id: str) -> Path:
    """A model of the Hugging Face hub, downloaded into its own cache if it is not there."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise PolicyUnavailable("vllm is not installed", remedy="Run: pip install 'plum-lsp[serve]'") from error
    try:
        return Path(
            snapshot_download(hub_id, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"])
        )
    except Exception as error:
        raise ModelError(f"{hub_id} cannot be had from the hub: {type(error).__name__}") from error
