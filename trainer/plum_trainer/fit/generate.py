"""Samples every prompt of a file, as a process of its own: `python -m plum_trainer.fit.generate JOB.json RESULT.json`.

The base has the same precision with and without an adapter, so that champion and challenger differ only in the adapter.
A sample ends where its text leaves the block, as in the editor. The module also measures the distance of the adapter
from the base: the mean gain of log-probability over the tokens of its own samples. It makes no judgements.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.cutting import Cutter
from plum_trainer.fit.decoding import Drawn, draw
from plum_trainer.fit.job import SampleJob, read_json, write_text
from plum_trainer.fit.train import OUT_OF_MEMORY, HubEncoder, dtype_of, quiet

KL_SAMPLES_MAX = 32
"""Samples whose tokens estimate the distance to the base. Some thousand tokens give two digits."""


def main(job_file: str, result_file: str) -> int:
    """Sample the prompts of the job. Returns the exit status."""
    job = SampleJob(**(read_json(Path(job_file)) or {}))
    quiet(job.threads)
    import torch

    try:
        lines = _sample(job)
    except (MemoryError, torch.OutOfMemoryError):
        return OUT_OF_MEMORY
    write_text(Path(result_file), "".join(json.dumps(line) + "\n" for line in lines))
    return 0


def _sample(job: SampleJob) -> list[dict[str, Any]]:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(job.threads or 1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(job.base, dtype=dtype_of(job.precision)).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    if job.adapter:
        model = PeftModel.from_pretrained(model, job.adapter).eval()
    prompts = [json.loads(line) for line in Path(job.prompts).read_text(encoding="utf-8").splitlines()]
    lines = _known(job)
    for batch in _batches(job, prompts) if not lines else ():
        torch.manual_seed(job.seed + len(lines))
        lines += _batch(job, model, tokenizer, batch)
        sys.stderr.write(f"sampled {len(lines)}/{len(prompts) * len(job.temperatures)}\n")
    if job.adapter and job.has_distance:
        kl = _kl(job, model, tokenizer, lines[:: max(1, len(lines) // KL_SAMPLES_MAX)])
        lines.append({"kl_nats_per_token": kl})
    return lines


def _known(job: SampleJob) -> list[dict[str, Any]]:
    """The samples that were made elsewhere, if there are any."""
    if not job.texts:
        return []
    return [json.loads(line) for line in Path(job.texts).read_text(encoding="utf-8").splitlines()]


def _batches(job: SampleJob, prompts: list[dict[str, Any]]) -> Iterator[list[tuple[dict[str, Any], int]]]:
    """Every prompt with every index, in batches. Samples of one prompt lie beside each other."""
    asked = [(prompt, index) for prompt in prompts for index in range(len(job.temperatures))]
    for start in range(0, len(asked), job.batch_size):
        yield asked[start : start + job.batch_size]


def _batch(job: SampleJob, model: Any, tokenizer: Any, batch: list[tuple[dict[str, Any], int]]) -> list[dict[str, Any]]:
    """One sample for each entry of the batch."""
    encoder, ends = HubEncoder(tokenizer), _end_ids(job, tokenizer)
    texts = list(dict.fromkeys(prompt["prompt"] for prompt, _ in batch))
    blocks = [_block(prompt) for prompt, _ in batch]

    def is_done(row: int, ids: list[int]) -> bool:
        return ids[-1] in ends or _cut(tokenizer, ids, ends, blocks[row])[1]

    made = draw(
        model,
        [encoder.encode(text) for text in texts],
        [(texts.index(prompt["prompt"]), job.temperatures[index]) for prompt, index in batch],
        top_p=job.top_p,
        tokens_max=job.max_tokens,
        is_done=is_done,
    )
    lines = []
    for (prompt, index), block, one in zip(batch, blocks, made, strict=True):
        text, is_cut = _cut(tokenizer, one.ids, ends, block)
        finish = "stop" if one.ids[-1] in ends else "cut" if is_cut else "length"
        line = {"id": prompt["id"], "index": index, "text": text, "finish": finish, "prompt": prompt["prompt"]}
        kept = _kept(tokenizer, one, text, is_cut=finish == "cut") if job.has_ids else {}
        lines.append({**line, **kept, "decides": index >= len(job.temperatures) - job.deciding})
    return lines


def _kept(tokenizer: Any, one: Drawn, text: str, *, is_cut: bool) -> dict[str, Any]:
    """The ids of a sample as they were drawn, with its end, and what the policy thinks of them. Of a text that was cut
    those that lie in it whole."""
    count = len(one.ids)
    while is_cut and count and len(tokenizer.decode(one.ids[:count])) > len(text):
        count -= 1
    entropy = sum(one.entropies[:count]) / count if count else 0.0
    return {"ids": one.ids[:count], "logprobs": one.logprobs[:count], "entropy": entropy}


def _cut(tokenizer: Any, ids: list[int], ends: set[int], block: Block) -> tuple[str, bool]:
    """The text of some ids up to the end of the block or of the text, and whether something was beyond the block."""
    end = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    cutter = Cutter(block)
    cutter.feed(tokenizer.decode(ids[:end]))
    if end == len(ids) and not cutter.has_ended:
        return cutter.close(), False
    return cutter.close(), cutter.has_ended


def _end_ids(job: SampleJob, tokenizer: Any) -> set[int]:
    ends = {tokenizer.eos_token_id}
    if job.end_token:
        ends.add(tokenizer.convert_tokens_to_ids(job.end_token))
    return {token for token in ends if token is not None}


def _block(prompt: dict[str, Any]) -> Block:
    return Block(kind=HoleKind(prompt["kind"]), indent=prompt["indent"], line_head=prompt["line_head"])


def _kl(job: SampleJob, model: Any, tokenizer: Any, lines: list[dict[str, Any]]) -> float:
    """Mean of log p(adapter) - log p(base) over the tokens of the adapter's own samples, in nats."""
    import torch

    encoder = HubEncoder(tokenizer)
    total, tokens = 0.0, 0
    for line in lines:
        prompt, middle = encoder.encode(line["prompt"]), encoder.encode(line["text"])
        if not middle:
            continue
        ids = torch.tensor([prompt + middle], device=model.device)
        with torch.inference_mode():
            own = _logprobs(model(ids).logits, ids, len(middle))
            with model.disable_adapter():
                base = _logprobs(model(ids).logits, ids, len(middle))
        total += float((own - base).sum())
        tokens += len(middle)
    return total / tokens if tokens else 0.0


def _logprobs(logits: Any, ids: Any, count: int) -> Any:
    """Log-probabilities of the last `count` ids. Logits are (1, sequence, vocabulary)."""
    scores = logits[:, -count - 1 : -1].float().log_softmax(-1)
    return scores.gather(-1, ids[:, -count:].unsqueeze(-1))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
