"""TRL's trainers for pairs and labels, told to take rows that are tokenized already and to count their weights.

With weights of 1 the losses are TRL's. TRL has no place for the weights of rows: for labels they are put where it
multiplies the losses of a kind, for pairs the loss itself is ours (`losses`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plum_trainer.fit.job import FitJob
from plum_trainer.fit.losses import kind_weights, pair_loss
from plum_trainer.fit.plain import arguments, lora_of, pair_settings

METHODS = ("dpo", "kto")


def trainer(job: FitJob, model: Any, tokenizer: Any, tokens: list[dict[str, Any]], *, callbacks: Sequence[Any]) -> Any:
    """TRL's trainer for the job's method, with the step that tokenizes taken out."""
    from datasets import Dataset

    parts: dict[str, Any] = {
        "model": model,
        "processing_class": tokenizer,
        "train_dataset": Dataset.from_list(tokens),
        "peft_config": None if job.champion else lora_of(job),
        "callbacks": list(callbacks),
    }
    made = _kto(job, parts) if job.method == "kto" else _dpo(job, parts)
    made.data_collator = with_weights(made.data_collator)
    return made


def _dpo(job: FitJob, parts: dict[str, Any]) -> Any:
    from trl import DPOConfig, DPOTrainer
    from trl.trainer.utils import use_adapter

    class TokenizedDPOTrainer(DPOTrainer):  # type: ignore[misc]
        """Rows come with their ids. The loss of each pair is multiplied by its weight."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False) -> Any:
            import torch

            mask = inputs["completion_mask"][:, 1:]
            own = self._logprobs(model, inputs)
            unwrapped = self.accelerator.unwrap_model(self.model)
            champion = "ref" if "ref" in unwrapped.peft_config else None
            with torch.no_grad(), use_adapter(unwrapped, adapter_name=champion):
                reference = self._logprobs(self.model, inputs)
            weight = inputs["weight"].to(own.device)
            return pair_loss(own, reference, mask, weight, **pair_settings(job))

        def _logprobs(self, model: Any, inputs: Any) -> Any:
            """(2 * pairs, tokens), 0 outside the completions, by TRL's fused head."""
            ids, mask = inputs["input_ids"], inputs["completion_mask"]
            labels = ids.masked_fill(mask == 0, -100)
            attention = inputs["attention_mask"]
            return model(
                input_ids=ids, attention_mask=attention, use_cache=False, labels=labels, fused_lm_head=True
            ).log_probs[:, 1 - ids.shape[1] :]

    losses = {"loss_type": [job.loss], "loss_weights": [1.0]}
    if job.sft_weight > 0:
        losses = {"loss_type": [job.loss, "sft"], "loss_weights": [1.0, job.sft_weight]}
    smoothing = job.label_smoothing if job.loss == "robust" else 0.0
    config = DPOConfig(**arguments(job), beta=job.beta, max_length=None, **losses, label_smoothing=smoothing)
    return TokenizedDPOTrainer(args=config, **parts)


def _kto(job: FitJob, parts: dict[str, Any]) -> Any:
    from trl import KTOConfig, KTOTrainer

    class TokenizedKTOTrainer(KTOTrainer):  # type: ignore[misc]
        """Rows come with their ids. Each row gets its neighbour's completion for the KL term, as in TRL.

        The loss of each row is multiplied by its weight. TRL multiplies the losses of a kind by the weight of that
        kind, so the weights of the rows are put there for one batch. With weights of 1 the loss is TRL's.
        """

        desirable_weight: Any
        undesirable_weight: Any

        def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False) -> Any:
            own = inputs["weight"].to(self.accelerator.device)
            labels = inputs["label"].bool().to(own.device)
            kinds = self.desirable_weight, self.undesirable_weight
            self.desirable_weight, self.undesirable_weight = kinds[0] * own[labels], kinds[1] * own[~labels]
            try:
                batch = {name: value for name, value in inputs.items() if name != "weight"}
                return super()._compute_loss(model, batch, return_outputs)
            finally:
                self.desirable_weight, self.undesirable_weight = kinds

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            def mismatched(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
                completions = batch["completion_ids"]
                return {**batch, "KL_completion_ids": [completions[-1], *completions[:-1]]}

            size = job.batch_size
            return dataset.map(mismatched, batched=True, batch_size=size) if self.calculate_KL else dataset

    labels = parts["train_dataset"]["label"]
    weights = kind_weights(sum(labels), len(labels) - sum(labels))
    kinds = {"desirable_weight": weights[0], "undesirable_weight": weights[1]}
    config = KTOConfig(**arguments(job), beta=job.beta, max_length=None, **kinds)
    config.dataloader_drop_last = len(labels) > job.batch_size  # a last batch of one has no mismatched neighbour
    return TokenizedKTOTrainer(args=config, **parts)


def with_weights(collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A collator that also hands on the weights of the rows, (rows), which TRL's does not know."""
    import torch

    def collated(rows: list[dict[str, Any]]) -> dict[str, Any]:
        weights = torch.tensor([row["weight"] for row in rows], dtype=torch.float32)
        return {**collate(rows), "weight": weights}

    return collated
