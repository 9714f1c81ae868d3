"""Writes a LoRA adapter as the GGUF file that llama.cpp loads. Needs the packages gguf and numpy (extra `local`).

Tensors are named after the layer they adapt: `blk.N.LAYER.weight.lora_a` of shape (rank, in) and `.lora_b` of
(out, rank). In models of the architecture "llama" the rows of the query and key projections are interleaved in GGUF
files (two halves of a head become pairs), so those rows of lora_b are as well.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import uuid
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.models.weights import CONFIG, WEIGHTS, gguf_module, tensors_of

PERMUTED = {"llama"}
"""Architectures whose query and key rows GGUF reorders for its rotary embedding."""


def gguf_adapter(folder: Path, *, base: Path, cache: Path) -> Path:
    """The GGUF form of the adapter in `folder` for the base model in a GGUF file. It is written once into `cache`.

    Raises:
        AdapterError: it cannot be expressed.
        PolicyUnavailable: gguf is not installed.
    """
    target = cache / f"{folder.name}.gguf"
    if target.is_file():
        return target
    try:
        gguf: Any = importlib.import_module("gguf")
        numpy: Any = importlib.import_module("numpy")
    except ImportError as error:
        remedy = "Run: pip install 'plum-lsp[local]'"
        raise PolicyUnavailable("llama.cpp adapters need the package gguf", remedy=remedy) from error
    reader = gguf.GGUFReader(base)
    cache.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        _write(folder, _Base(reader), staged, gguf, numpy)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(target)
    except (ValueError, LookupError) as error:
        raise AdapterError(f"the adapter in {folder} cannot be converted: {error}") from error
    finally:
        staged.unlink(missing_ok=True)
    return target


class _Base:
    """What the conversion needs to know of the base model."""

    def __init__(self, reader: Any) -> None:
        self.architecture = str(reader.fields["general.architecture"].contents())
        self.heads = self._number(reader, "attention.head_count")
        self.heads_kv = self._number(reader, "attention.head_count_kv") or self.heads

    def _number(self, reader: Any, key: str) -> int:
        field = reader.fields.get(f"{self.architecture}.{key}")
        return int(field.contents()) if field is not None else 0


def _write(folder: Path, base: _Base, target: Path, gguf: Any, numpy: Any) -> None:
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if config.get("use_dora") or config.get("alpha_pattern") or config.get("rank_pattern"):
        raise AdapterError("llama.cpp takes plain LoRA adapters only: no DoRA, one rank and one alpha for all layers")
    alpha = float(config["lora_alpha"])
    if config.get("use_rslora"):
        alpha *= float(config["r"]) ** 0.5
    writer = gguf.GGUFWriter(target, base.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for module, a, b in _layers(folder / WEIGHTS, numpy):
        name = gguf_module(module)
        if base.architecture in PERMUTED and name.endswith(("attn_q", "attn_k")):
            b = _permuted(b, base.heads if name.endswith("attn_q") else base.heads_kv, numpy)
        writer.add_tensor(f"{name}.weight.lora_a", a)
        writer.add_tensor(f"{name}.weight.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _layers(file: Path, numpy: Any) -> list[tuple[str, Any, Any]]:
    """Each adapted layer with its lora_A (rank, in) and lora_B (out, rank) as 32-bit floats."""
    tensors = tensors_of(file)
    with file.open("rb") as opened:
        start = 8 + struct.unpack("<Q", opened.read(8))[0]

        def read(key: str) -> Any:
            row = tensors[key]
            first, last = row["data_offsets"]
            opened.seek(start + first)
            return _floats(opened.read(last - first), row["dtype"], numpy).reshape(row["shape"])

        return [
            (
                key.removesuffix(".lora_A.weight").removeprefix("base_model.model."),
                read(key),
                read(key.replace(".lora_A.", ".lora_B.")),
            )
            for key in sorted(tensors)
            if key.endswith(".lora_A.weight")
        ]


def _floats(data: bytes, dtype: str, numpy: Any) -> Any:
    """The numbers of a safetensors tensor as float32."""
    if dtype == "BF16":  # the upper half of a float32
        return (numpy.frombuffer(data, dtype="<u2").astype("<u4") << 16).view("<f4")
    if dtype not in ("F32", "F16"):
        raise ValueError(f"weights of type {dtype}")
    return numpy.frombuffer(data, dtype={"F32": "<f4", "F16": "<f2"}[dtype]).astype("<f4")


def _permuted(rows: Any, heads: int, numpy: Any) -> Any:
    """The rows of each head's two halves, interleaved."""
    half = rows.shape[0] // heads // 2
    return numpy.ascontiguousarray(rows.reshape(heads, 2, half, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape))
