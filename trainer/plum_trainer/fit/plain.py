"""A trainer of our own over the losses of `losses`: for methods that TRL's trainers lack, and where TRL is missing.

The reference is the policy as it is when the fit begins: its log-probabilities of all rows are computed once, before
the first step and before a checkpoint is loaded. So no second adapter is kept, and a fit that goes on has the same
reference. Rows are padded on the left, so that logits are computed at the completions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plum_trainer.fit.job import FitJob
from plum_trainer.fit.losses import (
    group_loss,
    kind_weights,
    label_loss,
    likelihood_loss,
    mismatched_distance,
    pair_loss,
)
from plum_trainer.fit.together import mean_of_all, rows_for_each

METHODS = ("dpo", "kto", "sft", "group")
TARGETS = "all-linear"
"""LoRA on every linear layer learns what attention alone cannot (QLoRA, arXiv 2305.14314, section 4)."""

Texts = list[tuple[list[int], list[int]]]
"""Ids of prompts and of completions."""


def arguments(job: FitJob) -> dict[str, Any]:
    """What every trainer is told."""
    import torch

    return {
        "output_dir": job.output,
        "per_device_train_batch_size": rows_for_each(job),
        "gradient_accumulation_steps": job.accumulation,
        "num_train_epochs": job.epochs,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "seed": job.seed,
        "data_seed": job.seed,
        "save_strategy": "steps",
        "save_steps": job.checkpoint_steps,
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": [],
        "disable_tqdm": True,
        "gradient_checkpointing": job.gradient_checkpointing,
        "bf16": torch.cuda.is_available(),
        "fp16": False,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
        "ddp_find_unused_parameters": False,
    }


def pair_settings(job: FitJob) -> dict[str, Any]:
    """What the loss for pairs is told."""
    numbers = {"beta": job.beta, "smoothing": job.label_smoothing, "sft_weight": job.sft_weight}
    return {"loss": job.loss, **numbers, "share": mean_of_all}


def lora_of(job: FitJob) -> Any:
    """The shape of the adapter."""
    from peft import LoraConfig

    return LoraConfig(
        r=job.lora_rank, lora_alpha=job.lora_alpha, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM"
    )


def trainer(job: FitJob, model: Any, tokenizer: Any, tokens: list[dict[str, Any]], *, callbacks: Sequence[Any]) -> Any:
    """The trainer for the job's method. The rows are those of `data.rows.tokens_of`."""
    from peft import get_peft_model
    from transformers import Trainer, TrainingArguments

    policy = model if job.champion else get_peft_model(model, lora_of(job))
    if job.gradient_checkpointing:
        policy.enable_input_require_grads()
    rows = _with_neighbours(job, tokens)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    weights = kind_weights(*_kinds(rows)) if job.method == "kto" else (1.0, 1.0)

    class PlainTrainer(Trainer):  # type: ignore[misc]
        """Computes the loss of a batch of rows."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            return batch_loss(job, model, inputs["rows"], pad=pad, weights=weights)

    made = PlainTrainer(
        model=policy,
        args=TrainingArguments(**arguments(job)),
        data_collator=lambda batch: {"rows": batch},
        train_dataset=rows,
        callbacks=list(callbacks),
    )
    made.model_accepts_loss_kwargs = False  # else the losses of an accumulated step are added and not averaged
    if job.method in ("dpo", "kto"):
        _add_reference(job, made.model, rows, pad=pad)
    return made


def batch_loss(job: FitJob, model: Any, rows: list[dict[str, Any]], *, pad: int, weights: tuple[float, float]) -> Any:
    """The loss of some rows. `weights` are those of desirable and undesirable rows."""
    import torch

    texts, shares = _texts(job, rows), not job.gradient_checkpointing
    apart = texts[len(rows) :] if job.method == "kto" and not shares else []
    own, mask = logprobs(model, texts[: len(texts) - len(apart)], pad=pad, shares=shares)

    def column(name: str) -> Any:
        return torch.tensor([row[name] for row in rows], dtype=torch.float32, device=own.device)

    if job.method == "sft":
        return likelihood_loss(own, mask, column("weight"), share=mean_of_all)
    if job.method == "group":
        sampled = _aligned([row["logprobs"] for row in rows], own)
        return group_loss(own, sampled, mask, column("weight"), share=mean_of_all)
    known = [row["reference"][place] for place in (0, 1) for row in rows]
    if job.method == "dpo":
        return pair_loss(own, _aligned(known, own), mask, column("weight"), **pair_settings(job))
    if apart:  # no gradient flows through them, so they need none of the scarce memory
        with torch.no_grad():
            other, _ = logprobs(model, apart, pad=pad)
    else:
        own, other = own.chunk(2)
    distance = mismatched_distance(other, _aligned(known[len(rows) :], other), share=mean_of_all)
    is_desirable = column("label").bool()
    weight = column("weight") * torch.where(is_desirable, *weights)
    reference = _aligned(known[: len(rows)], own)
    return label_loss(own, reference, is_desirable, weight, distance=distance, beta=job.beta)


def logprobs(model: Any, texts: Texts, *, pad: int, shares: bool = False) -> tuple[Any, Any]:
    """Log-probabilities of the completions and their mask, both (texts, longest completion), aligned at the end."""
    scores, ids, mask = distributions(model, texts, pad=pad, shares=shares)
    return scores.gather(-1, ids.unsqueeze(-1)).squeeze(-1) * mask, mask


def distributions(model: Any, texts: Texts, *, pad: int, shares: bool = False) -> tuple[Any, Any, Any]:
    """At each place of the completions, aligned at the end: log-probabilities of all tokens (texts, longest completion,
    vocabulary), the ids that stand there, and their mask.

    With `shares`, a prompt of several texts is read once. The model must then be able to keep a cache, which it is not
    with gradient checkpointing. Gradients flow through the cache.
    """
    prompts = list(dict.fromkeys(tuple(prompt) for prompt, _ in texts))
    ids, mask = _padded([completion for _, completion in texts], pad, model.device)
    if shares and len(prompts) < len(texts):
        logits = _behind_shared(model, texts, prompts, ids, mask, pad=pad)
    else:
        whole, attention = _padded([[*prompt, *completion] for prompt, completion in texts], pad, model.device)
        positions = (attention.cumsum(1) - 1).clamp(min=0)
        places = {"attention_mask": attention, "position_ids": positions, "logits_to_keep": ids.shape[1] + 1}
        logits = model(input_ids=whole, use_cache=False, **places).logits[:, -ids.shape[1] - 1 : -1]
    return logits.float().log_softmax(-1), ids, mask


def _behind_shared(
    model: Any, texts: Texts, prompts: Sequence[tuple[int, ...]], ids: Any, mask: Any, *, pad: int
) -> Any:
    """The logits at each place of the completions. Every prompt is read once, then all completions behind it."""
    import torch

    read, attention = _padded(prompts, pad, model.device)
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    output = model(input_ids=read, attention_mask=attention, position_ids=positions, use_cache=True, logits_to_keep=1)
    owner = torch.tensor([prompts.index(tuple(prompt)) for prompt, _ in texts], device=model.device)
    first = output.logits[owner]
    if ids.shape[1] == 1:
        return first
    cache = output.past_key_values
    cache.reorder_cache(owner)
    attention = torch.cat([attention[owner], mask[:, :-1]], 1)
    positions = (attention.cumsum(1) - 1)[:, read.shape[1] :].clamp(min=0)
    rest = model(
        input_ids=ids[:, :-1], attention_mask=attention, position_ids=positions, past_key_values=cache, use_cache=True
    ).logits
    whole = torch.cat([first, rest], 1)
    begins = mask.cumsum(1) == 1  # a shorter completion begins later
    return torch.where(begins[..., None], first, whole)


def _padded(texts: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Texts as one tensor, padded on the left, and its mask."""
    import torch

    longest = max(len(one) for one in texts)
    ids = torch.full((len(texts), longest), pad, device=device)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(texts):
        if one:
            ids[row, longest - len(one) :] = torch.tensor(one, device=device)
            mask[row, longest - len(one) :] = 1
    return ids, mask


def _names(job: FitJob) -> tuple[str, ...]:
    """Where a row keeps its completions."""
    others = {"dpo": ("chosen_ids", "rejected_ids"), "kto": ("completion_ids", "neighbour_ids")}
    return others.get(job.method, ("completion_ids",))


def _texts(job: FitJob, rows: Sequence[dict[str, Any]]) -> Texts:
    return [(row["prompt_ids"], row[name]) for name in _names(job) for row in rows]


def _aligned(values: Sequence[Sequence[float]], like: Any) -> Any:
    """Lists of numbers as a tensor of this shape, aligned at the end."""
    import torch

    width = like.shape[1]
    return torch.tensor([[0.0] * (width - len(one)) + list(one) for one in values], device=like.device)


def _with_neighbours(job: FitJob, tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For labels: each row gets the completion of its neighbour in a batch, as TRL chooses it."""
    if job.method != "kto":
        return list(tokens)
    rows = []
    for start in range(0, len(tokens), job.batch_size):
        batch = tokens[start : start + job.batch_size]
        rows += [{**row, "neighbour_ids": batch[place - 1]["completion_ids"]} for place, row in enumerate(batch)]
    return rows


def _kinds(rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
    desirable = sum(bool(row["label"]) for row in rows)
    return desirable, len(rows) - desirable


def _add_reference(job: FitJob, model: Any, rows: list[dict[str, Any]], *, pad: int) -> None:
    """Give each row the log-probabilities of its two completions under the policy as it is now."""
    import torch

    groups: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row["prompt_ids"]), []).append(row)
    model.eval()
    with torch.no_grad():
        for group in groups.values():
            for start in range(0, len(group), job.batch_size):
                part = group[start : start + job.batch_size]
                found, mask = logprobs(model, _texts(job, part), pad=pad, shares=not job.gradient_checkpointing)
                lists = [row[-count:].tolist() for row, count in zip(found, mask.sum(1).tolist(), strict=True)]
                for place, row in enumerate(part):
                    row["reference"] = lists[place :: len(part)]
    model.train()
