"""Reads the properties of a LoRA adapter and a base model from the headers of their files. It loads no weights.

Safetensors: eight bytes of header length (little endian), a JSON header with each tensor's type, shape and offsets,
then the bytes (https://github.com/huggingface/safetensors#format). The module does not decide about publishing.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import AdapterError, ModelError
from plum_lsp.policy.models.catalogue import file_sha256, hash_file

RANK_MAX = 64
"""The rank that `policy serve` reserves memory for. The memory of a slot grows with it."""

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE_MARK = "plum-base.json"
"""In a converted model's folder: the sha256 of the file it was made of. In an adapter's: that of its base."""
HEADER_BYTES_MAX = 100 * 1024 * 1024
"""The format's own limit."""
_MODULES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
"""Linear layers as Hugging Face and as GGUF names them, in the model families of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A base model: its name, hash and the shape (out, in) of each weight, by Hugging Face's names.

    `shapes` is empty if they cannot be read. Shapes are then not compared.
    """

    name: str
    sha256: str
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFacts:
    """The contents of an adapter's files.

    `modules` maps each adapted layer to (out, in). `base_sha256` may be empty.
    """

    rank: int
    modules: Mapping[str, tuple[int, int]]
    base_sha256: str
    sha256: str


def read_base(path: Path, *, cache_dir: Path, name: str = "") -> BaseModel:
    """The base model in a Hugging Face folder or a GGUF file.

    A folder that was converted from a GGUF file has that file's hash: both are the same base model, and an adapter
    for one fits the other.

    Raises:
        ModelError: it is neither, or damaged.
    """
    if path.is_file():
        return BaseModel(
            name=name or path.stem, sha256=file_sha256(path, cache_dir=cache_dir), shapes=gguf_shapes(path)
        )
    files = sorted(path.glob("*.safetensors"))
    if not files or not (path / "config.json").is_file():
        raise ModelError(f"{path} holds no model: it needs config.json and *.safetensors")
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        for file in files:
            shapes.update((key, tuple(row["shape"])) for key, row in tensors_of(file).items())
    except ValueError as error:
        raise ModelError(str(error)) from error
    return BaseModel(name=name or path.name, sha256=_folder_sha256(path, files, cache_dir), shapes=shapes)


def read_adapter(folder: Path) -> AdapterFacts:
    """The properties of the adapter in `folder`.

    Raises:
        AdapterError: files are missing or truncated, it is no LoRA adapter, or all its weights are still zero.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise AdapterError(f"{folder} holds no adapter: {name} is missing")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if config["peft_type"] != "LORA":
            raise AdapterError(f"{folder} is no LoRA adapter but {str(config['peft_type'])[:40]}")
        rank = int(config["r"])
        tensors = tensors_of(folder / WEIGHTS)
    except (ValueError, LookupError, TypeError) as error:
        raise AdapterError(f"the adapter in {folder} is damaged: {error}") from error
    modules = _modules_of(tensors, rank, folder)
    if _is_all_zero(folder / WEIGHTS, tensors):
        raise AdapterError(f"the adapter in {folder} is untrained: every lora_B is zero")
    mark = read_mark(folder)
    return AdapterFacts(rank=rank, modules=modules, base_sha256=mark, sha256=_adapter_sha256(folder))


def check_fit(facts: AdapterFacts, base: BaseModel, *, rank_max: int) -> None:
    """Refuse an adapter that the server could not load or that was trained on another model.

    Raises:
        AdapterError: it does not fit.
    """
    if facts.rank > rank_max:
        raise AdapterError(
            f"the adapter has rank {facts.rank}, and the server takes at most {rank_max}",
            remedy="Serve with --lora-rank, or train with a smaller rank.",
        )
    if facts.base_sha256 and base.sha256 and facts.base_sha256 != base.sha256:
        raise AdapterError(f"the adapter was trained on another base model ({facts.base_sha256[:12]}…)")
    for module, shape in facts.modules.items() if base.shapes else ():
        weight = base.shapes.get(f"{module}.weight")
        if weight != shape:
            found = "no such layer" if weight is None else f"{weight[0]} × {weight[1]}"
            raise AdapterError(
                f"the adapter is for another base model: {module} is {shape[0]} × {shape[1]}, not {found}"
            )


def read_mark(folder: Path) -> str:
    """The hash of the base model that a folder names. Empty if it names none."""
    try:
        return str(json.loads((folder / BASE_MARK).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def tensors_of(file: Path) -> dict[str, dict[str, Any]]:
    """The header of a safetensors file.

    Raises:
        ValueError: it is no such file, or ends before its tensors do.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = struct.unpack("<Q", opened.read(8).ljust(8, b"\0"))[0]
        if not 2 <= length <= min(size - 8, HEADER_BYTES_MAX):
            raise ValueError(f"{file.name} is truncated or no safetensors file")
        header = json.loads(opened.read(length))
    header.pop("__metadata__", None)
    end = max((row["data_offsets"][1] for row in header.values()), default=0)
    if size != 8 + length + end:
        raise ValueError(f"{file.name} is truncated: {size:,} bytes instead of {8 + length + end:,}")
    return dict(header)


def gguf_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes in a GGUF file, by Hugging Face's names. Empty if the package `gguf` is not installed."""
    try:
        from gguf import GGUFReader
    except ImportError:
        return {}
    ours = {theirs: name for name, theirs in _MODULES.items()}
    shapes: dict[str, tuple[int, ...]] = {}
    for tensor in GGUFReader(path).tensors:
        parts = str(tensor.name).split(".")
        if len(parts) == 4 and parts[0] == "blk" and parts[2] in ours:
            block = "mlp" if parts[2].startswith("ffn") else "self_attn"
            key = f"model.layers.{parts[1]}.{block}.{ours[parts[2]]}.weight"
            shapes[key] = tuple(int(side) for side in reversed(tensor.shape))
    return shapes


def gguf_module(module: str) -> str:
    """The name GGUF gives to a layer of Hugging Face's.

    Raises:
        AdapterError: there is none.
    """
    parts = module.split(".")
    if parts[:2] != ["model", "layers"] or len(parts) != 5 or parts[4] not in _MODULES:
        raise AdapterError(f"llama.cpp has no adapter for the layer {module}")
    return f"blk.{parts[2]}.{_MODULES[parts[4]]}"


def _modules_of(tensors: dict[str, dict[str, Any]], rank: int, folder: Path) -> dict[str, tuple[int, int]]:
    """Each adapted layer with its (out, in), and both its halves checked against the rank."""
    modules: dict[str, tuple[int, int]] = {}
    for key, row in tensors.items():
        if not key.endswith(".lora_A.weight"):
            continue
        module = key.removesuffix(".lora_A.weight").removeprefix("base_model.model.")
        other = tensors.get(key.replace(".lora_A.", ".lora_B."))
        if other is None or row["shape"][0] != rank or other["shape"][1] != rank:
            raise AdapterError(f"the adapter in {folder} contradicts itself: {module} is not of rank {rank}")
        modules[module] = (int(other["shape"][0]), int(row["shape"][1]))
    if not modules:
        raise AdapterError(f"the adapter in {folder} holds no LoRA weights")
    return modules


def _is_all_zero(file: Path, tensors: dict[str, dict[str, Any]]) -> bool:
    """Whether every lora_B is zero, as before training."""
    with file.open("rb") as opened:
        start = 8 + struct.unpack("<Q", opened.read(8))[0]
        for key, row in tensors.items():
            if ".lora_B." in key:
                first, last = row["data_offsets"]
                opened.seek(start + first)
                if any(opened.read(last - first)):
                    return False
    return True


def _adapter_sha256(folder: Path) -> str:
    """One hash over both files."""
    parts = "\n".join(hash_file(folder / name) for name in (CONFIG, WEIGHTS))
    return hashlib.sha256(parts.encode()).hexdigest()


def _folder_sha256(path: Path, files: list[Path], cache_dir: Path) -> str:
    """The hash of the file a folder was converted from, else one over its configuration and weights."""
    if mark := read_mark(path):
        return mark
    parts = [hash_file(path / "config.json"), *(file_sha256(file, cache_dir=cache_dir) for file in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
