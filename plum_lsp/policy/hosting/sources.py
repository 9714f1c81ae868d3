"""What a model and an engine mean together: the file or folder that the engine loads."""

from __future__ import annotations

import re
from pathlib import Path

from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.policy.hosting.engines import ENGINES, engine_called
from plum_lsp.policy.hosting.facts import EngineFacts, ModelForm
from plum_lsp.policy.hosting.launch import ServedModel
from plum_lsp.policy.hosting.vllm.settings import VLLM
from plum_lsp.policy.models.catalogue import ModelEntry, catalogue, identify, require
from plum_lsp.policy.models.conversion import converted_folder
from plum_lsp.policy.models.weights import read_mark

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def find_model(model: str, *, cache_dir: Path, folder: Path | None = None, engine: str = "") -> ServedModel:
    """What `model` means for `engine` (empty: the engine that suits the model).

    It is a name of the catalogue, a GGUF file, a Hugging Face folder, or the id of a model on the Hugging Face hub.

    Raises:
        ModelError: there is no such model, or not for this engine.
        PolicyUnavailable: the engine is not installed.
    """
    wanted = engine_called(engine).facts if engine else None
    found = _found(model, wanted, cache_dir=cache_dir, folder=folder)
    found.engine.require()
    return found


def check_model_name(model: str) -> None:
    """Refuse what cannot be a model, without looking into it or asking whether it was fetched.

    Raises:
        ModelError: `model` is neither a name of the catalogue nor a path that exists.
    """
    if model not in catalogue() and not (model and Path(model).expanduser().exists()):
        raise _no_model(model)


def _found(model: str, wanted: EngineFacts | None, *, cache_dir: Path, folder: Path | None) -> ServedModel:
    """The model, whether or not its engine is installed."""
    path = Path(model).expanduser()
    if model in catalogue():
        return _entry(catalogue()[model], wanted, cache_dir=cache_dir, folder=folder)
    if path.is_file():
        return _file(path, wanted, cache_dir=cache_dir)
    if (path / "config.json").is_file():
        engine = _reader_of(ModelForm.HUGGING_FACE_FOLDER, wanted, f"{path} is a folder")
        mark = read_mark(path)  # the hash of the file that the folder was made from
        name = next((entry.name for entry in catalogue().values() if entry.sha256 == mark), path.name)
        return ServedModel(name=name, path=path.resolve(), engine=engine, sha256="", entry=None)
    if _HUB_ID.fullmatch(model) and (wanted is None or wanted.form is ModelForm.HUGGING_FACE_FOLDER):
        engine = wanted or _reader_of(ModelForm.HUGGING_FACE_FOLDER, wanted, model)
        return ServedModel(name=model.rpartition("/")[2], path=_snapshot(model), engine=engine, sha256="", entry=None)
    raise _no_model(model)


def _entry(entry: ModelEntry, wanted: EngineFacts | None, *, cache_dir: Path, folder: Path | None) -> ServedModel:
    """A model of the catalogue: its file, or the folder made from it for an engine that reads folders."""
    engine = wanted or _reader_of(ModelForm.GGUF_FILE, None, entry.name)
    find = require if engine.form is ModelForm.GGUF_FILE else converted_folder
    path = find(entry, cache_dir=cache_dir, folder=folder)
    return ServedModel(name=entry.name, path=path, engine=engine, sha256=entry.sha256, entry=entry)


def _file(path: Path, wanted: EngineFacts | None, *, cache_dir: Path) -> ServedModel:
    engine = _reader_of(ModelForm.GGUF_FILE, wanted, f"{path} is a file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path} is not a GGUF file", remedy="Name a .gguf file or a Hugging Face folder.")
    found = identify(path, cache_dir=cache_dir)
    return ServedModel(name=found.name, path=path.resolve(), engine=engine, sha256=found.sha256, entry=found.entry)


def _reader_of(form: ModelForm, wanted: EngineFacts | None, told: str) -> EngineFacts:
    """The engine that reads this form: the one that is wanted, or else the first that does."""
    if wanted is not None and wanted.form is not form:
        raise ModelError(f"{told}; {wanted.title} is given {wanted.form.value}")
    return wanted or next(spec.facts for spec in ENGINES.values() if spec.facts.form is form)


def _no_model(model: str) -> ModelError:
    return ModelError(
        f"{model!r} is no model: not a name of the catalogue, a GGUF file or a Hugging Face folder",
        remedy=f"Known names: {', '.join(catalogue())}.",
    )


def _snapshot(hub_id: str) -> Path:
    """A model of the Hugging Face hub, downloaded into its own cache if it is not there."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise PolicyUnavailable("vllm is not installed", remedy=VLLM.remedy) from error
    try:
        return Path(
            snapshot_download(hub_id, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"])
        )
    except Exception as error:
        raise ModelError(f"{hub_id} cannot be had from the hub: {type(error).__name__}") from error
