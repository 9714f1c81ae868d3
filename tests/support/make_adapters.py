"""A child that writes LoRA adapters with seeded random weights: `python -m support.make_adapters BASE OUT...`.

Each OUT is `FOLDER:SEED:RANK:SCALE`. The weights are no training's, but they are a real adapter's in every other way.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    """Load the base model once and write every adapter asked for."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    for order in sys.argv[2:]:
        folder, seed, rank, scale = order.rsplit(":", 3)
        torch.manual_seed(int(seed))
        model: Any = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
        config = LoraConfig(r=int(rank), lora_alpha=2 * int(rank), target_modules=LAYERS, task_type="CAUSAL_LM")
        adapted = get_peft_model(model, config)
        for name, weights in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weights, std=float(scale))
        adapted.save_pretrained(Path(folder))


if __name__ == "__main__":
    main()
