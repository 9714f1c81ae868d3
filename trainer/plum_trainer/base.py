"""Makes the base model's Hugging Face folder from its GGUF file, as a process of its own, once:
`python -m plum_trainer.base FILE.gguf FOLDER`.

What is trained is what is served: the weights are those of the quantised file, written out in bfloat16. The folder
appears whole or not at all.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from plum_trainer.fit import quiet


def main(source: str, folder: str) -> int:
    """Convert the file; returns the exit status."""
    quiet(1)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file, target = Path(source), Path(folder)
    if target.exists():
        return 0
    half = target.with_name(f"{target.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, quantization_config=GgufConfig(dequantize=True)
    )
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model.to(torch.bfloat16).save_pretrained(half)
    tokenizer.save_pretrained(half)
    half.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
