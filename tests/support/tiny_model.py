"""A model made on the spot: two layers over bytes and the few lines that its tests speak of.

It is taught to write either line with about the same chance and to end then; which one is right it is not told. Its
tokenizer has every byte, so that any prompt can be read, and each line as one token, so that few steps are enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LINES = ("    return a + b\n", "    return a - b\n")
END = "<|end|>"
SENTINELS = ("<|prefix|>", "<|suffix|>", "<|middle|>")


def make_tiny_model(folder: Path, *, seed: int = 0, steps: int = 150) -> Path:
    """Write the model and its tokenizer; returns the folder."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END, *SENTINELS])
    tokenizer.add_tokens([AddedToken(line, normalized=False) for line in LINES])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(wrapped),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=wrapped.eos_token_id,
        bos_token_id=None,
        pad_token_id=wrapped.eos_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    _teach(model, wrapped, steps=steps)
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


def _teach(model: Any, tokenizer: Any, *, steps: int) -> None:
    """Either line, then the end, after any header."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(steps):
        header = f'def add{step % 40}(a, b):\n    """\n    >>> add{step % 40}(1, 2)\n    3\n    """\n'
        prompt = tokenizer(header, add_special_tokens=False)["input_ids"]
        lines = tokenizer([line + END for line in LINES], add_special_tokens=False)["input_ids"]
        ids = torch.tensor([prompt + line for line in lines])
        labels = ids.clone()
        labels[:, : len(prompt)] = -100
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
