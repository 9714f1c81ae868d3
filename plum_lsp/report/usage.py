"""The figures of the report, computed from the recorded use of a time span. Pure.

No rate stands alone. Beside each rate of acceptance stand the share that was rejected on purpose and the share that
was changed or removed later, because acceptance alone rewards trivial suggestions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.suggestion import AbstentionReason, Tier
from plum_lsp.report.pilot import KEPT_SHARE_MIN, PilotFigures, pilot_figures
from plum_lsp.report.shares import Quantile, Share, quantile, share
from plum_lsp.store.people.sharing import Sharing
from plum_lsp.store.usage import EndingRow, OfferRow, RoundRow, SampledRow, Usage

STAGES = {"first_candidate": "first candidate", "sampled": "all candidates", "ended": "answer"}
"""The stages whose times are shown, in the order in which a request reaches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What became of the shown suggestions of one tier, or of all (`tier` None). `kept` is of the measured ones."""

    tier: Tier | None
    shown: int
    accepted: Share | None
    rejected: Share | None
    changed: Share | None
    kept: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRate:
    """The execution pass rate of one model version, or of one of its days. `passed` is None if no candidate was run."""

    version: int
    model: str
    day: str
    candidates: int
    passed: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long requests took to reach a stage, in milliseconds: the median and the time that 95 % did not exceed."""

    stage: str
    p50_ms: Quantile
    p95_ms: Quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of a time span.

    `isolation` counts the candidates that ran in each sandbox tier, `without_sandbox` the requests that had no sandbox,
    and `sandbox_failed` those that ended because it failed. `wrong` counts candidates that failed a test and were not
    offered, `stopped` those that used too much time or memory, and `all_wrong` requests of which every candidate
    failed. `sharing` is None if facts were never shared.
    """

    first_at: str
    last_at: str
    requests: int
    offers: int
    acceptance: tuple[Acceptance, ...]
    versions: tuple[PassRate, ...]
    days: tuple[PassRate, ...]
    wrong: int
    stopped: int
    all_wrong: int
    silence: Mapping[AbstentionReason, int]
    waits: tuple[Wait, ...]
    rounds: tuple[RoundRow, ...]
    isolation: Mapping[str, int]
    without_sandbox: int
    sandbox_failed: int
    pilots: tuple[PilotFigures, ...]
    sharing: Sharing | None


def report_of(usage: Usage, *, now: str, sharing: Sharing | None = None) -> Report:
    """The figures of the recorded use. A pilot that is over at `now` (UTC text) has a finding."""
    silence = Counter(ending.reason for ending in usage.endings if ending.reason is not None)
    return Report(
        first_at=usage.first_at,
        last_at=usage.last_at,
        requests=usage.requests,
        offers=len(usage.offers),
        acceptance=tuple(_acceptances(usage.offers)),
        versions=tuple(_pass_rates(usage.sampled, lambda row: "")),
        days=tuple(_pass_rates(usage.sampled, lambda row: row.day)),
        wrong=sum(row.candidates_run - row.candidates_passing - row.candidates_offered_wrong for row in usage.sampled),
        stopped=sum(row.candidates_stopped for row in usage.sampled),
        all_wrong=silence[AbstentionReason.ALL_FAILED],
        silence=dict(silence.most_common()),
        waits=tuple(_waits(usage.endings)),
        rounds=usage.rounds,
        isolation=usage.isolation,
        without_sandbox=silence[AbstentionReason.SANDBOX_UNAVAILABLE],
        sandbox_failed=silence[AbstentionReason.SANDBOX_FAILED],
        pilots=tuple(pilot_figures(pilot, rows, now=now, answers=said) for pilot, rows, said in usage.pilots),
        sharing=sharing,
    )


def _acceptances(offers: Sequence[OfferRow]) -> Iterable[Acceptance]:
    """All shown offers first, then those of each tier that was shown."""
    shown = [row for row in offers if row.is_shown]
    for tier in (None, *Tier):
        rows = [row for row in shown if tier in (None, row.tier)]
        if rows or tier is None:
            yield _acceptance(tier, rows)


def _acceptance(tier: Tier | None, rows: Sequence[OfferRow]) -> Acceptance:
    accepted = [row for row in rows if row.is_accepted]
    measured = [row for row in accepted if row.share_left is not None]
    return Acceptance(
        tier=tier,
        shown=len(rows),
        accepted=_share_of(rows, lambda row: row.is_accepted),
        rejected=_share_of(rows, lambda row: row.kind is OutcomeKind.REJECTED),
        changed=_share_of(accepted, lambda row: row.kind in {OutcomeKind.EDITED, OutcomeKind.REJECTED}),
        kept=_share_of(measured, lambda row: (row.share_left or 0.0) >= KEPT_SHARE_MIN),
    )


def _share_of(rows: Iterable[OfferRow], is_part: Callable[[OfferRow], bool]) -> Share | None:
    return share((row.place, int(is_part(row)), 1) for row in rows)


def _pass_rates(sampled: Iterable[SampledRow], day_of: Callable[[SampledRow], str]) -> Iterable[PassRate]:
    """One rate for each model version and day, in the order of days and then of versions."""
    groups: dict[tuple[str, int, str], list[SampledRow]] = {}
    for row in sampled:
        groups.setdefault((day_of(row), row.version, row.model), []).append(row)
    for (day, version, model), rows in sorted(groups.items()):
        passed = share((row.place, row.candidates_passing, row.candidates_run) for row in rows)
        candidates = sum(row.candidates for row in rows)
        yield PassRate(version=version, model=model, day=day, candidates=candidates, passed=passed)


def _waits(endings: Iterable[EndingRow]) -> Iterable[Wait]:
    """The waiting times of requests that ended with an offer."""
    offered = [ending for ending in endings if ending.reason is None]
    for stage in STAGES:
        times = [(ending.place, ending.stages_ms[stage]) for ending in offered if stage in ending.stages_ms]
        p50_ms, p95_ms = (quantile(times, part) for part in (0.5, 0.95))
        if p50_ms is not None and p95_ms is not None:
            yield Wait(stage=stage, p50_ms=p50_ms, p95_ms=p95_ms)
