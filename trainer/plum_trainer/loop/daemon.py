"""One turn of the training loop (`improve`), and the loop itself (`run`).

Pure modules make the decisions (`data.dataset`, `gate.decision`, `schedule`, `gate.watch`). This module waits, reads
and writes. Every step writes its file before the next step begins, and the pointer to the active version moves last.
If the process is killed, the champion still serves, and the next turn continues from the last step.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from plum_lsp.config import LearningSettings, Settings
from plum_lsp.config.folder import training_folder, versions_folder
from plum_lsp.domain.errors import PlumError, PolicyError
from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.feedback.rebuild import rebuild
from plum_lsp.policy.models.families import template_for
from plum_lsp.policy.models.weights import read_adapter
from plum_lsp.policy.versions.folders import PublishedVersion, VersionStore
from plum_lsp.store.learning import LearningStore, open_learning
from plum_lsp.store.preferences import open_preferences
from plum_trainer.data.dataset import Dataset
from plum_trainer.data.gold import gold_prompts
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit import children
from plum_trainer.fit.device import shared
from plum_trainer.fit.job import FitResult, TrainerError, fit_result, read_json
from plum_trainer.fit.packages import INSTALL, missing
from plum_trainer.gate.decision import GateDecision
from plum_trainer.loop.gating import decided
from plum_trainer.loop.online import on_trial, watch
from plum_trainer.loop.people import authors_of, facts_of, fresh_elsewhere, tell_people
from plum_trainer.loop.plan import Plan, Sampling
from plum_trainer.loop.progress import ProgressKeeper
from plum_trainer.loop.rounds import Round, next_round, unfinished
from plum_trainer.loop.schedule import Situation, why_not
from plum_trainer.loop.standing import held_out_prompts, training_rows
from plum_trainer.loop.trainer import Trainer, end, is_paused, record
from plum_trainer.service.locking import only_one

log = logging.getLogger(__name__)

FAILURES_MAX = 5
"""Tries of one round. An error that repeats this often is not temporary."""
POLL_SECONDS = 60.0
"""How often the service looks whether there is something to do."""


def improve(trainer: Trainer) -> GateDecision | None:
    """One turn: pairs, fit, evaluation, gate, publication. None if there was too little data.

    Raises:
        PlumError: a step failed, and the next turn repeats it. Or packages are missing.
    """
    if missing():
        raise TrainerError(f"a round needs packages that are missing: {', '.join(missing())}", remedy=f"{INSTALL}.")
    with only_one(training_folder(trainer.data_dir)):
        with trainer.store() as store:
            highest = max((event.round for event in store.events()), default=0)
        current = next_round(trainer.data_dir, highest)
        try:
            return _turn(trainer, current)
        except Overtaken as error:
            end(trainer, current, "abandoned", {"problem": str(error)})
            raise
        except PlumError as error:
            _failed(trainer, current, error)
            raise
        except (OSError, ValueError) as error:
            told = TrainerError(
                f"a file of round {current.number} cannot be read or written: {error}",
                remedy=f"Look at the disk and at {current.folder}.",
            )
            _failed(trainer, current, told)
            raise told from error


class Overtaken(TrainerError):
    """Another version became active during a round, so the round compared with a version that is no longer served."""


def _failed(trainer: Trainer, current: Round, error: PlumError) -> None:
    """Record an error. A round that fails repeatedly is abandoned, so that the next round can begin.

    If the policy server does not answer, the round is kept: a promoted adapter waits for the server.
    """
    record(trainer, current, "failed", {"problem": str(error), "remedy": error.remedy})
    with trainer.store() as store:
        times = sum(event.step == "failed" for event in store.events(round_number=current.number))
    if times >= FAILURES_MAX and not isinstance(error, PolicyError):
        end(trainer, current, "abandoned", {"problem": str(error)})


def _turn(trainer: Trainer, current: Round) -> GateDecision | None:
    plan = current.plan or _plan(trainer, current)
    if not plan.can_train:
        end(trainer, current, "nothing_to_train_on", {"counts": dict(plan.counts)})
        return None
    champion = trainer.versions.find(plan.champion)
    if champion is not None and champion.model_sha256 != plan.base_sha256:
        raise TrainerError(
            f"version {champion.number} is an adapter of another base model",
            remedy="Run `plum-trainer rollback 0` to begin anew from the base.",
        )
    _check_champion(trainer, current, plan)
    fitted = _fitted(trainer, current, champion, plan)
    decision = decided(trainer, current, champion, fitted, plan)
    if not decision.is_promoted:
        end(trainer, current, "rejected", {"reasons": list(decision.reasons)})
        return decision
    _check_champion(trainer, current, plan)
    _publish(trainer, current, fitted, plan)
    return decision


def _check_champion(trainer: Trainer, current: Round, plan: Plan) -> None:
    """The version in service must be the one the round began from, or its own, published before a crash.

    Raises:
        Overtaken: it is another, as after a rollback.
    """
    active, result = trainer.versions.store.active(), read_json(current.folder / "result.json")
    if (active.number if active else 0) == plan.champion:
        return
    if active is None or result is None or read_adapter(Path(result["adapter"])).sha256 != active.adapter_sha256:
        raise Overtaken(
            f"version {plan.champion} is no longer in service, from which round {current.number} began",
            remedy="The next round begins from the version in service.",
        )


def _plan(trainer: Trainer, current: Round) -> Plan:
    """Build pairs, choose rows and held-out prompts, and freeze them."""
    settings = trainer.settings
    record(trainer, current, "started", {})
    facts = facts_of(trainer)
    with open_preferences(facts.path) as preferences:
        build = rebuild(
            preferences,
            now=trainer.now(),
            wants_quality=settings.learning.quality_pairs,
            wants_unlikely=settings.learning.synthesized_negatives,
            exclusions=trainer.exclusions,
            is_private=trainer.is_private,
        )
    champion = trainer.versions.active()
    seed = settings.trainer.seed + current.number
    authors = facts.held_out(settings.learning.held_out_share)
    with open_learning(facts.path) as store:
        prompts = held_out_prompts(settings, store, authors)
        dataset = training_rows(
            settings,
            store,
            prompts,
            version=champion,
            base_sha256=trainer.base.sha256,
            seed=seed,
            authors=authors,
        )
    benchmark = _benchmark(trainer)
    plan = Plan(
        champion=champion,
        base=str(trainer.base.folder),
        base_sha256=trainer.base.sha256,
        seed=seed,
        rows=len(dataset.rows),
        held_out=len(prompts),
        benchmark=len(benchmark),
        one_sided=_is_one_sided(dataset, settings.trainer.method),
        too_few=_is_too_few(dataset, settings.learning),
        counts=dataset.counts,
        settings=settings.trainer,
        sampling=_sampling(settings),
    )
    current.freeze(dataset.rows, (*prompts, *benchmark), plan)
    whose = {"authors": authors_of(dataset.rows), "held_out_authors": sorted(authors), "refused": list(facts.refused)}
    record(trainer, current, "frozen", {"pairs": build, **plan.values(), **whose})
    trainer.report(f"round {current.number}: {len(dataset.rows)} rows, {len(prompts)} held-out prompts")
    return plan


def _sampling(settings: Settings) -> Sampling:
    """How both policies are sampled for the gate."""
    return Sampling(
        samples=settings.gate.samples,
        temperature=settings.gate.temperature,
        temperature_min=settings.sampling.temperature_min,
        temperature_max=settings.sampling.temperature_max,
        top_p=settings.sampling.top_p,
        max_tokens=settings.sampling.max_tokens,
    )


def _is_too_few(dataset: Dataset, settings: LearningSettings) -> bool:
    """An adapter from a handful of rows or functions learns these by heart."""
    return len(dataset.rows) < settings.rows_min or dataset.counts.get("functions", 0) < settings.functions_min


def _is_one_sided(dataset: Dataset, method: str) -> bool:
    """KTO needs both kinds of labels."""
    return method == "kto" and not (dataset.counts.get("desirable") and dataset.counts.get("undesirable"))


def _benchmark(trainer: Trainer) -> tuple[HeldOut, ...]:
    """The benchmark rows that judge, too, if the settings name some."""
    path = trainer.settings.gate.benchmark
    if not path:
        return ()
    base = PolicyVersion(number=0, model=trainer.base.name, model_sha256=trainer.base.sha256)
    return gold_prompts(Path(path).expanduser(), template_for(base))


def _fitted(trainer: Trainer, current: Round, champion: PublishedVersion | None, plan: Plan) -> FitResult:
    """The challenger, fitted now or before."""
    known = read_json(current.folder / "result.json")
    if known is not None:
        return fit_result(known)
    trainer.base.prepare(trainer.report)
    job = plan.fit_job(
        champion=str(champion.folder) if champion else "",
        rows=str(current.folder / "rows.jsonl"),
        output=str(current.folder / "fit"),
        end_token=trainer.base.end_token,
    )
    with shared(trainer.data_dir, plan.settings.gpu, report=trainer.report):
        keeper = ProgressKeeper(trainer=trainer, current=current, stage="fit")
        result = children.fit(job, current.folder, accelerate=plan.settings.accelerate, report=keeper)
    detail = {**asdict(result), "log": list(result.log)[-1:]}
    record(trainer, current, "fitted", detail)
    return result


def _publish(trainer: Trainer, current: Round, fitted: FitResult, plan: Plan) -> None:
    """Make the challenger the active version. Repeating it has no further effect."""
    version = trainer.versions.publish(Path(fitted.adapter), report=trainer.report)
    canary = trainer.versions.store.canary()
    previous = (canary.previous.number if canary.previous else 0) if canary else plan.champion
    detail = {
        "version": version.number,
        "previous": previous,
        "built_from": plan.champion,
        "adapter_sha256": version.adapter_sha256,
    }
    end(trainer, current, "published", detail)
    tell_people(trainer)
    trainer.report(f"published policy version {version.number}")


def why_idle(trainer: Trainer) -> str:
    """Why no round should begin now. Empty if one should.

    Raises:
        StoreError: the store cannot be read.
    """
    with trainer.store() as store:
        found = situation(store, trainer.data_dir, now=trainer.now(), load=trainer.load())
    if trainer.settings.learning.stores:
        since = found.last_round_at.isoformat(timespec="milliseconds") if found.last_round_at else ""
        elsewhere = fresh_elsewhere(trainer, since=since)
        found = replace(found, fresh_candidates=found.fresh_candidates + elsewhere)
    return why_not(found, trainer.settings.trainer)


def situation(store: LearningStore, data_dir: Path, *, now: datetime, load: float) -> Situation:
    """What decides whether a round begins, as it is now."""
    events = store.events()
    last = next((event for event in reversed(events) if event.step in _ENDS), None)
    active = VersionStore(versions_folder(data_dir)).active()
    return Situation(
        now=now,
        last_round_at=datetime.fromisoformat(last.happened_at) if last else None,
        fresh_candidates=store.fresh_candidates(since=last.happened_at if last else ""),
        load=load,
        is_paused=is_paused(data_dir),
        is_unfinished=unfinished(data_dir) is not None,
        is_on_trial=on_trial(events, active.number if active else 0) is not None,
        missing=missing(),
    )


_ENDS = frozenset({"published", "rejected", "nothing_to_train_on", "abandoned"})


def run(trainer: Trainer, stop: threading.Event, *, poll_seconds: float = POLL_SECONDS) -> None:
    """The service: watch, and improve when it is time, until told to stop. A turn that fails is tried again."""
    said = ""
    while not stop.is_set():
        try:
            watch(trainer)
            reason = why_idle(trainer)
            if not reason:
                improve(trainer)
        except PlumError as error:
            reason = f"{error}. {error.remedy}".strip()
        if reason != said:
            said = reason
            trainer.report(f"waiting: {reason}" if reason else "waiting")
        stop.wait(poll_seconds)
