"""One cell of a comparison: sample, judge, fit, and measure on held-out tasks. Each step leaves its file, so that a
command that was stopped goes on where it was.

The steps that learn see the tasks' instructions with their examples. The tasks' own tests judge held-out tasks, and
label training tasks for the `gold` arms alone. All programs of the policy run in the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Judged
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.feedback.evidence import LIKELY_MIN, REFUTED_PROBABILITY, RIGHT_PROBABILITY, UNLIKELY_MAX
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.verification.judge import index_of
from plum_lsp.verification.options import limits_of, sandbox_options
from plum_trainer.bench.arms import Arm, Labelled, Labels, relabelled, rows_of, summary_of
from plum_trainer.data.gold import passing_gold
from plum_trainer.data.prompts import HeldOut
from plum_trainer.data.prompts import values_of as prompt_values
from plum_trainer.data.rows import values_of as row_values
from plum_trainer.fit import children
from plum_trainer.fit.bases import BaseModel
from plum_trainer.fit.job import FitJob, SampleJob, read_json, write_json, write_text
from plum_trainer.gate.evaluate import ended_texts, graded, offered, read_samples
from plum_trainer.gate.measures import Measures, Sample, measured

SAMPLE_BATCH = 160
"""Texts at a time. The last few of a batch take as long as many, so that larger batches cost less."""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all cells share. `samples` are taken of each training task in each round."""

    settings: Settings
    base: BaseModel
    folder: Path
    train: tuple[HeldOut, ...]
    held_out: tuple[HeldOut, ...]
    samples: int
    report: Callable[[str], None]

    def in_sandbox(self, work: Callable[[Sandbox], Awaitable[_Result]]) -> _Result:
        """Do something with a sandbox of its own."""

        async def run() -> _Result:
            sandbox = await open_sandbox(sandbox_options(self.settings))
            try:
                return await work(sandbox)
            finally:
                await sandbox.close()

        return asyncio.run(run())


def cell(bench: Bench, arm: Arm, folder: Path, *, seed: int, first: Path, adapter: str) -> str:
    """One round of one arm, in a folder. Returns the adapter that it ends with, empty for the base.

    Args:
        bench: what all cells share.
        arm: the way to learn.
        folder: of the cell.
        seed: of the samples and the fit.
        first: the folder of the samples to learn from, or of those to be made.
        adapter: the policy that makes them, which is also the one to start from.
    """
    if arm.method and not (folder / "result.json").is_file():
        samples = labelled(bench, first, adapter, seed=seed, wants_gold=arm.labels is Labels.GOLD)
        rows = rows_of(arm.method, relabelled(samples, arm.labels, seed=seed))
        write_text(folder / "rows.jsonl", "".join(json.dumps(row_values(row)) + "\n" for row in rows))
        bench.report(f"{folder.relative_to(bench.folder)}: {len(rows)} rows")
        if rows:
            job = _fit_job(bench, arm, folder, adapter, seed)
            _timed(folder, "fit", lambda: children.fit(job, folder, report=bench.report))
        else:
            write_json(folder / "result.json", {"adapter": adapter, "rows": 0})
    result = read_json(folder / "result.json") if arm.method else None
    trained = str(result["adapter"]) if result else ""
    if not (folder / "cell.json").is_file():
        _measure(bench, folder, trained, seed=seed, cooling=arm.cooling)
    return trained


def labelled(bench: Bench, folder: Path, adapter: str, *, seed: int, wants_gold: bool) -> list[Labelled]:
    """Samples of the training tasks with what the sandbox found, or with what the tasks' own tests say."""
    rows = _sampled(bench, folder, "train", bench.train, adapter, seed=seed, deciding=0)
    path = folder / ("labels-gold.json" if wants_gold else "labels-judged.json")
    known = read_json(path)
    if known is None:
        judge = _gold if wants_gold else _judged
        known = _timed(folder, "judging", lambda: bench.in_sandbox(lambda box: judge(bench, rows, box)))
        write_json(path, known)
    believed = (_with_label(row, known.get(row["id"], {}).get(row["text"])) for row in rows)
    found = [one for one in believed if one is not None]
    summary = summary_of(found)
    write_json(path.with_suffix(".summary.json"), summary)
    bench.report(
        f"{folder.relative_to(bench.folder)}: {summary['samples']} samples judged, {summary['base_rate']:.0%} right,"
        f" {summary['mixed_share']:.0%} of {summary['tasks']} groups mixed"
    )
    return found


def _with_label(row: dict[str, Any], label: Sequence[Any] | None) -> Labelled | None:
    """A sample as the arms see it. None if its end is missing, or if no test tells whether it is right."""
    if row["finish"] == "length" or label is None or label[0] is None:
        return None
    return Labelled(
        task=row["id"],
        prompt=row["prompt"],
        text=row["text"],
        ids=tuple(row["ids"]),
        logprobs=tuple(row["logprobs"]),
        right=label[0],
        is_right=label[1],
        is_guessed=label[2],
    )


async def _judged(bench: Bench, rows: Sequence[dict[str, Any]], sandbox: Sandbox) -> dict[str, Any]:
    """For each task and text: probability, label, and whether it is a guess. What the ladder cannot tell has none."""
    found: dict[str, Any] = {}
    for prompt in bench.train:
        texts = ended_texts(row for row in rows if row["id"] == prompt.id)
        task = Task(id=prompt.id, prompt=prompt.before, suffix=prompt.after, candidates=tuple(texts))
        done = await verify(task, sandbox, MonotonicClock(), limits=limits_of(bench.settings))
        has_likely = any((one.probability or 0.0) >= LIKELY_MIN for one in done.group)
        found[prompt.id] = {texts[index_of(one)]: _belief(one, has_likely=has_likely) for one in done.group}
    return found


def _belief(one: Judged, *, has_likely: bool) -> tuple[float | None, bool, bool]:
    """As the store's rules see it (`plum_lsp.feedback.evidence`)."""
    if one.tier in RIGHT_PROBABILITY and not one.is_refuted:
        return (RIGHT_PROBABILITY[one.tier] if one.probability is None else one.probability), True, False
    if one.is_refuted:
        return (REFUTED_PROBABILITY if one.probability is None else one.probability), False, False
    is_unlikely = has_likely and one.probability is not None and one.probability < UNLIKELY_MAX
    return (one.probability if is_unlikely else None), False, is_unlikely


async def _gold(bench: Bench, rows: Sequence[dict[str, Any]], sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prompt in bench.train:
        texts = ended_texts(row for row in rows if row["id"] == prompt.id)
        passing = await passing_gold(prompt, texts, sandbox, limits_of(bench.settings))
        found[prompt.id] = {text: (float(text in passing), text in passing, False) for text in texts}
    return found


def _fit_job(bench: Bench, arm: Arm, folder: Path, adapter: str, seed: int) -> FitJob:
    trainer = bench.settings.trainer
    values = {one.name: getattr(trainer, one.name) for one in fields(FitJob) if hasattr(trainer, one.name)}
    places = {"rows": str(folder / "rows.jsonl"), "output": str(folder / "fit"), "base": str(bench.base.folder)}
    own = {"method": arm.method, "champion": adapter, "seed": seed, "base_sha256": bench.base.sha256, "is_plain": True}
    rate = {"learning_rate": arm.rate} if arm.rate else {}
    return FitJob(**{**values, **places, **own, **rate, "end_token": bench.base.end_token})


def _measure(bench: Bench, folder: Path, adapter: str, *, seed: int, cooling: float) -> None:
    """Measure a policy on the held-out tasks, by their own tests."""
    count = bench.settings.gate.samples
    rows = _sampled(bench, folder, "held_out", bench.held_out, adapter, seed=seed, deciding=count, cooling=cooling)
    measures = _timed(folder, "evaluation", lambda: bench.in_sandbox(lambda box: _tested(bench, rows, box)))
    ladder = [row for row in rows if not row["decides"]]
    values = {
        **asdict(measures),
        "pass_at_1": measures.pass_at_1,
        "pass_at_n": measures.pass_at_n,
        "right_offers": measures.right_offers,
        "entropy": sum(row["entropy"] for row in ladder) / len(ladder),
        "adapter": adapter,
        "cost": read_json(folder / "cost.json"),
    }
    write_json(folder / "cell.json", values)


async def _tested(bench: Bench, rows: Sequence[dict[str, Any]], sandbox: Sandbox) -> Measures:
    samples: list[Sample] = []
    offers: dict[str, bool] = {}
    limits = limits_of(bench.settings)
    for prompt in bench.held_out:
        own = [row for row in rows if row["id"] == prompt.id]
        passing = await passing_gold(prompt, ended_texts(own), sandbox, limits)
        ladder = ended_texts(row for row in own if not row["decides"])
        offers[prompt.id] = await offered(prompt, ladder, sandbox, limits) in passing
        samples += graded(prompt, own, passing)
    return measured(samples, offers=offers)


def _sampled(
    bench: Bench,
    folder: Path,
    name: str,
    prompts: Sequence[HeldOut],
    adapter: str,
    *,
    seed: int,
    deciding: int,
    cooling: float = 1.0,
) -> list[dict[str, Any]]:
    """Samples at the editor's ladder, and as many as asked for at the gate's temperature. Made now or before."""
    path = folder / f"{name}.jsonl"
    if not path.is_file():
        sampling, gate = bench.settings.sampling, bench.settings.gate
        count = deciding or bench.samples
        ladder = temperature_ladder(count, sampling.temperature_min, sampling.temperature_max)
        write_text(folder / f"{name}.prompts", "".join(json.dumps(prompt_values(one)) + "\n" for one in prompts))
        job = SampleJob(
            base=str(bench.base.folder),
            adapter=adapter,
            prompts=str(folder / f"{name}.prompts"),
            output=str(path),
            temperatures=tuple(one * cooling for one in (*ladder, *(gate.temperature,) * deciding)),
            deciding=deciding,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            batch_size=SAMPLE_BATCH,
            seed=seed * 1_000_003,
            threads=bench.settings.trainer.threads,
            end_token=bench.base.end_token,
            precision=bench.settings.trainer.precision,
            has_ids=True,
            has_distance=False,
        )
        _timed(folder, f"{name}_samples", lambda: children.sample(job, folder, name=name, report=bench.report))
    return read_samples(path)[0]


def _timed(folder: Path, name: str, work: Callable[[], _Result]) -> _Result:
    """Do a step and keep what it cost: seconds, and processor seconds of this process and its children."""
    started, used = time.monotonic(), _processor_seconds()
    result = work()
    cost = {"seconds": round(time.monotonic() - started, 1), "work": round(_processor_seconds() - used, 1)}
    write_json(folder / "cost.json", {**(read_json(folder / "cost.json") or {}), name: cost})
    return result


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
