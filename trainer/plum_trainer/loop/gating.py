"""The gate's part of a round: samples of champion and challenger, the decision, and what it means for the sampler."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from plum_lsp.config.folder import exploration_file
from plum_lsp.feedback.exploration import exploration_of
from plum_lsp.policy.versions.folders import PublishedVersion
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.options import limits_of, sandbox_options
from plum_trainer.data.apart import fingerprints
from plum_trainer.fit.job import FitResult, TrainerError, read_json, write_text
from plum_trainer.gate.decision import GateDecision, decide, decision_of
from plum_trainer.gate.evaluate import evaluated
from plum_trainer.gate.measures import Measures
from plum_trainer.loop.exploring import diversities, explored
from plum_trainer.loop.plan import Plan
from plum_trainer.loop.progress import ProgressKeeper
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.sampling import sample
from plum_trainer.loop.standing import next_look
from plum_trainer.loop.trainer import Trainer, record

COOLING = (0.7, 0.45, 0.25)
"""Factors of the champion's temperatures, tried in order until its samples are as alike as the challenger's."""


def decided(
    trainer: Trainer, current: Round, champion: PublishedVersion | None, fitted: FitResult, plan: Plan
) -> GateDecision:
    """The gate's decision, made now or before."""
    if (known := _known(current)) is not None:
        return known
    adapter = str(champion.folder) if champion else ""
    before = _measured(trainer, current, "champion", adapter, plan)
    after = _measured(trainer, current, "challenger", fitted.adapter, plan)
    cooled = _cooled(trainer, current, adapter, plan, before, after)
    functions = list(before.pass_by_function)
    with trainer.store() as store:
        look = next_look(store.events(), functions, round_number=current.number)
    decision = decide(before, after, cooled, trainer.settings.gate, look=look, seed=plan.seed)
    judged_by = Counter(one.judged_by for one in current.held_out())
    report = replace(decision.report, held_out=tuple(fingerprints(functions)), judged_by=dict(judged_by))
    decision = replace(decision, report=report)
    detail = decision.as_json()
    _record_once(trainer, current, detail)
    current.keep("decision.json", detail)
    watch_diversity(trainer, current, before, after)
    explore(trainer, current, after if decision.is_promoted else before)
    trainer.report(f"gate: {'promoted' if decision.is_promoted else 'refused'}; {'; '.join(decision.reasons)}")
    return decision


def _known(current: Round) -> GateDecision | None:
    """The decision that was made before. None if there is none.

    Raises:
        TrainerError: its file is damaged.
    """
    path = current.folder / "decision.json"
    values = read_json(path)
    try:
        return decision_of(values) if values is not None else None
    except ValueError as error:
        told = f"{path} cannot be read: {error}"
        raise TrainerError(told, remedy="Delete it: its step is then done again.") from error


def _record_once(trainer: Trainer, current: Round, detail: dict[str, object]) -> None:
    """The look is in the history before its result is used, so that no crash hides one."""
    with trainer.store() as store:
        is_told = any(event.step == "decided" for event in store.events(round_number=current.number))
    if not is_told:
        record(trainer, current, "decided", detail)


def _cooled(
    trainer: Trainer, current: Round, adapter: str, plan: Plan, champion: Measures, challenger: Measures
) -> Measures:
    """The champion at temperatures so low that its samples are at least as alike as the challenger's."""
    cooled = champion
    for factor in COOLING:
        if cooled.diversity <= challenger.diversity:
            break
        cooled = _measured(trainer, current, f"cooled-{factor}", adapter, plan, scale=factor)
    return cooled


def _measured(trainer: Trainer, current: Round, name: str, adapter: str, plan: Plan, *, scale: float = 1.0) -> Measures:
    """One policy on the held-out prompts. Every policy gets the same prompts and seeds."""
    settings = trainer.settings
    job = plan.sample_job(
        adapter=adapter,
        prompts=str(current.folder / "held_out.jsonl"),
        output=str(current.folder / f"{name}.jsonl"),
        threads=settings.trainer.threads,
        end_token=trainer.base.end_token,
        scale=scale,
    )
    keeper = ProgressKeeper(trainer=trainer, current=current, stage=f"{name}'s samples")
    path = sample(trainer, current, job, name=name, report=keeper, has_distance=scale == 1)

    def open_one() -> Any:
        return open_sandbox(sandbox_options(settings))

    limits = limits_of(settings)
    return evaluated(current.held_out(), path, open_one, limits=limits)


def watch_diversity(trainer: Trainer, current: Round, champion: Measures, challenger: Measures) -> None:
    """Samples that become alike teach less and less: an alarm, whether or not the gate let it pass."""
    least = champion.diversity * (1 - trainer.settings.gate.diversity_drop_max / 2)
    if challenger.diversity < least:
        detail = {"champion": champion.diversity, "challenger": challenger.diversity}
        record(trainer, current, "diversity_alarm", detail)
        trainer.report(
            f"samples become alike: {champion.diversity:.3f} to {challenger.diversity:.3f}. Raise"
            " sampling.temperature_max or sampling.candidates, or set sampling.explores"
        )


def explore(trainer: Trainer, current: Round, in_service: Measures) -> None:
    """Write how much the sampler should explore, compared with the first version.

    The sampler uses it if its settings allow.
    """
    file = exploration_file(trainer.data_dir)
    before = exploration_of(file.read_text(encoding="utf-8")) if file.is_file() else None
    with trainer.store() as store:
        known = diversities(store.events())
    after = explored(
        before,
        diversity=in_service.diversity,
        reference=next(iter(known.values()), in_service.diversity),
        drop_max=trainer.settings.gate.diversity_drop_max,
        round_number=current.number,
    )
    if after == before:
        return
    if after is None:
        file.unlink()
    else:
        write_text(file, after.text())
    detail = asdict(after) if after else {"novelty_share": 0.0}
    record(trainer, current, "exploration", {**detail, "diversity": in_service.diversity})
    trainer.report(
        f"samples stray: {after.novelty_share:.0%} of a group at temperature {after.temperature}"
        if after
        else "samples stray no more"
    )
