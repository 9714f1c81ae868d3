"""The catalogue of control strings: right for the tokenizers at hand, coherent for those written by hand."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest
from gguf import GGUFReader

from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.domain.text import Document, PositionEncoding
from plum_lsp.policy.models.catalogue import cached_path, catalogue
from plum_lsp.policy.models.families import Family, families, family_of, template_for
from plum_lsp.python.fitting.controls import is_control
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt

CONTROL = 3
"""The type of a control token in a GGUF file (llama.cpp, `llama_token_type`)."""

HAND_WRITTEN = {
    "starcoder2": {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>", "<|endoftext|>", "<file_sep>"},
    "deepseek-coder": {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "<｜end▁of▁sentence｜>"},
    "codellama": {"<PRE>", "<SUF>", "<MID>", "<EOT>", "</s>"},
    "codestral": {"[PREFIX]", "[SUFFIX]", "[MIDDLE]", "</s>"},
    "granite-code": {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"},
    "granite": {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|end_of_text|>"},
    "codegemma": {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>", "<eos>"},
    "mellum": {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"},
    "seed-coder": {"<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", "<[end▁of▁sentence]>"},
    "edit-prediction": {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>"},
}
"""Written by hand from the models' documentation: their tokenizers come with no package that can be installed."""


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"])
def test_every_control_token_of_the_tokenizer_is_a_stop(name: str) -> None:
    """The model's own list of control tokens is what may end a completion."""
    path = cached_path(
        catalogue()[name], Path(os.environ.get("PLUM_CACHE_DIR") or platformdirs.user_cache_path("plum-lsp"))
    )
    fields = GGUFReader(path).fields
    tokens, types = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type"))
    controls = {token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL}
    family = family_of(name)
    assert family is not None and family.source == "tokenizer"
    assert set(family.stop) <= controls
    assert controls - set(family.stop) <= _OF_OTHER_MODES


_OF_OTHER_MODES = {
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
    "</tool_call>",
}
"""In Qwen's vocabulary for its siblings that see pictures or call tools; a code model never writes them."""


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_templates_are_coherent(family: Family) -> None:
    """Each sentinel is itself a stop, and hand-written lists agree with the one written from the documentation."""
    if family.fim:
        sentinels = {part.strip() for part in (family.fim.prefix, family.fim.suffix, family.fim.middle)} - {""}
        assert sentinels <= set(family.stop)
    assert all(is_control(word) for word in family.stop)
    if family.source == "documentation":
        assert HAND_WRITTEN[family.name] <= set(family.stop)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
        ("bigcode/starcoder2-15b", "<fim_prefix>a = 1\nb =<fim_suffix>\nc = 3\n<fim_middle>"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "<｜fim▁begin｜>a = 1\nb =<｜fim▁hole｜>\nc = 3\n<｜fim▁end｜>"),
        ("codellama/CodeLlama-7b-hf", "<PRE> a = 1\nb = <SUF>\nc = 3\n <MID>"),
        ("mistralai/Codestral-22B-v0.1", "[SUFFIX]\nc = 3\n[PREFIX]a = 1\nb ="),
        ("ibm-granite/granite-8b-code-base", "<fim_prefix>a = 1\nb =<fim_suffix>\nc = 3\n<fim_middle>"),
        ("HuggingFaceTB/SmolLM2-360M", "a = 1\nb ="),
        ("google/codegemma-2b", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
        ("JetBrains/Mellum-4b-base", "<fim_suffix>\nc = 3\n<fim_prefix>a = 1\nb =<fim_middle>"),
        ("ByteDance-Seed/Seed-Coder-8B-Base", "<[fim-suffix]>\nc = 3\n<[fim-prefix]>a = 1\nb =<[fim-middle]>"),
        ("zed-industries/zeta", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
        ("zed-industries/zeta-2", "<[fim-suffix]>\nc = 3\n<[fim-prefix]>a = 1\nb =<[fim-middle]>"),
        ("sweepai/sweep-next-edit-1.5B", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
        ("ibm-granite/granite-4.0-350m", "<|fim_prefix|>a = 1\nb =<|fim_suffix|>\nc = 3\n<|fim_middle|>"),
    ],
)
def test_prompt_of_each_family(model: str, text: str) -> None:
    """Prefix, suffix and middle stand where the model was trained to find them."""
    document = Document(uri="file:///a.py", version=1, text="a = 1\nb = \nc = 3\n", encoding=PositionEncoding.UTF16)
    context = read_context(document, len("a = 1\nb = "), prefix_tokens=100, suffix_tokens=100)
    assert context is not None
    prompt = build_prompt(context, template_for(PolicyVersion(number=0, model=model, model_sha256="")))
    assert prompt.text == text
