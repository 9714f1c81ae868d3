"""Rebuilds every preference pair and label of a store from its facts, and reports what was left out and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from plum_lsp.domain.preferences import PreferenceLabel, PreferencePair, PromptFacts
from plum_lsp.feedback.exclusion import Exclusions
from plum_lsp.feedback.pairs import PairBuilder
from plum_lsp.store.preferences import PreferenceStore


def rebuild(
    store: PreferenceStore,
    *,
    now: datetime,
    wants_quality: bool = False,
    wants_unlikely: bool = True,
    exclusions: Exclusions | None = None,
    is_private: Callable[[str], bool] | None = None,
) -> dict[str, object]:
    """Derive all pairs and labels again. Returns the report that is stored with them.

    `is_private` judges a document's address. Facts from before the settings excluded a document are not used.
    """
    builder = PairBuilder(wants_quality=wants_quality, wants_unlikely=wants_unlikely)
    report: dict[str, object] = {}
    made = chain.from_iterable(_of_prompt(builder, facts) for facts in _wanted(store, builder, exclusions, is_private))
    store.rebuild(_reporting(made, builder, report), report, now=now)
    return report


def _of_prompt(builder: PairBuilder, facts: PromptFacts) -> Iterator[PreferencePair | PreferenceLabel]:
    yield from builder.pairs(facts)
    yield from builder.labels(facts)


def _wanted(
    store: PreferenceStore,
    builder: PairBuilder,
    exclusions: Exclusions | None,
    is_private: Callable[[str], bool] | None,
) -> Iterator[PromptFacts]:
    for facts in store.prompts():
        builder.counts["prompts"] += 1
        builder.counts["candidates"] += len(facts.candidates)
        if exclusions is not None and exclusions.holds(facts.prompt):
            builder.counts["left_out_benchmark_prompts"] += 1
        elif is_private is not None and any(map(is_private, facts.document_uris)):
            builder.counts["left_out_private_prompts"] += 1
        else:
            yield facts


def _reporting(
    made: Iterator[PreferencePair | PreferenceLabel], builder: PairBuilder, report: dict[str, object]
) -> Iterator[PreferencePair | PreferenceLabel]:
    """The same pairs. After the last one the report is filled."""
    yield from made
    counts = builder.counts
    report.update(dict(sorted(counts.items())))
    labels = counts["label_desirable"] + counts["label_undesirable"]
    report["label_desirable_share"] = round(counts["label_desirable"] / labels, 4) if labels else None
    pairs = counts["pair_verdict"]
    report["pair_length_lean"] = round(builder.lean / pairs, 2) if pairs else None
