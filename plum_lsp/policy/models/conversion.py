"""Converts a GGUF file of the catalogue into the Hugging Face folder that vLLM and training need. The result is cached.

The conversion itself loads torch and therefore runs in a child: `python -m plum_lsp.policy.models.conversion SOURCE
FOLDER`.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from plum_lsp.domain import children
from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.files.whole import write_json
from plum_lsp.policy.models.catalogue import ModelEntry, require
from plum_lsp.policy.models.weights import BASE_MARK, read_mark

logger = logging.getLogger(__name__)

CONVERT_SECONDS = 1800.0
"""135 M parameters take half a minute. Billions take many minutes, and a disk may be slow."""


def converted_folder(entry: ModelEntry, *, cache_dir: Path, folder: Path | None = None) -> Path:
    """The Hugging Face folder of a model of the catalogue (bf16, dequantised), converted if it is not there yet.

    The weights are those of the GGUF file: what quantisation took away does not come back.

    Raises:
        ModelError: the file is not on this machine, or cannot be converted.
        PolicyUnavailable: torch and transformers are not installed.
    """
    target = cache_dir / "models" / f"{entry.name}-hf"
    if read_mark(target) == entry.sha256:
        return target
    source = require(entry, cache_dir=cache_dir, folder=folder)
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "gguf")):
        remedy = "Run: pip install 'plum-lsp[serve]'"
        raise PolicyUnavailable(f"converting {entry.name} needs torch, transformers and gguf", remedy=remedy)
    staged = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
    command = children.python_module(
        "plum_lsp.policy.models.conversion", str(source.absolute()), str(staged.absolute())
    )
    environment = children.environment(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=CONVERT_SECONDS,
            env=environment,
            cwd=children.FOLDER,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise ModelError(f"{entry.name} could not be converted: {said[-1] if said else 'it wrote no output'}")
        write_json(staged / BASE_MARK, {"sha256": entry.sha256, "name": entry.name})
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{entry.name} was not converted within {CONVERT_SECONDS:.0f} s") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return target


def _convert(source: Path, target: Path) -> None:
    """Dequantise a GGUF file and save it, with its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(target)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, dtype="bfloat16", quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(target)


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
