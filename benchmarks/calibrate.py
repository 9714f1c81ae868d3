"""Fits the estimate of how likely a candidate is right, and measures its quality.

    python -m benchmarks.calibrate FOLDER GROUPS.jsonl [GROUPS.jsonl …] [--write]

FOLDER holds `verifier.jsonl`. The files of groups come from `benchmarks.groups`. Every group is judged as `plum-lsp
verify` judges it, whole, with one right candidate left, and in small random parts (people sample few candidates).
Boosted trees are fitted to the signals. They are monotone in the signals whose direction is known. The script prints
TPR and TNR of the offers and the expected calibration error: of trees that saw none of the labelled tasks, and by
five-fold cross-validation by task. With --write, trees that are fitted to all data become
`plum_lsp/verification/calibration.json`. The script needs the extra `calibrate`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from benchmarks.verifier import calibration_error
from plum_lsp.config import Settings
from plum_lsp.domain.suggestion import Judged, Tier
from plum_lsp.domain.verification import Ending, Limits
from plum_lsp.evaluation.offline import OFFERED, VerifiedTask, verify
from plum_lsp.evaluation.tasks import task_from
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.verification import settle as settling
from plum_lsp.verification.agreement import is_same
from plum_lsp.verification.calibration import Calibration, parsed
from plum_lsp.verification.compare import Comparison
from plum_lsp.verification.judge import index_of
from plum_lsp.verification.options import sandbox_options
from plum_lsp.verification.settle import PROBABILITY_OF_NOTHING, Weighed
from plum_lsp.verification.signals import NAMES

RAISING = frozenset(
    {
        "agreeing",
        "nearly",
        "likeness",
        "stranger_likeness",
        "likeness_lead",
        "stranger_lead",
        "lonely_lead",
        "plural",
        "plural_lead",
        "standing_likeness",
        "standing_agreeing",
        "nearness",
        "nearest",
        "nearness_lead",
        "nearest_lead",
    }
)
LOWERING = frozenset(
    {
        "failed",
        "rivals",
        "lonely",
        "outvoted",
        "standing_strangers",
        "unanswered",
        "is_constant",
        "violations",
    }
)
WEIGHTS = {"whole": 1.0, "one right": 0.5, "part": 0.5, "copied": 0.5}
COPIES = (3, 10)
"""How often one candidate of a group is copied, because copies must not count as agreement."""
PARTS = 3
"""Random parts of each group, of one to six candidates."""
FOLDS = 5
SEEDS = 5
"""Fits that are averaged. Each sees other random signals at its splits, and a single one shifts a rate by a percent."""

Judgement: TypeAlias = "tuple[dict[str, Any], VerifiedTask]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One candidate in one selection of its group. `vector` is None if it could not be run."""

    task: str
    group: str
    selection: str
    part: int
    has_examples: bool
    correct: bool
    vector: tuple[float, ...] | None


async def judged(rows: Iterable[dict[str, Any]]) -> list[Judgement]:
    """Judge the candidates of every row."""
    sandbox = await open_sandbox(sandbox_options(Settings()))
    found = [(row, await verify(task_from(row), sandbox, MonotonicClock(), limits=Limits())) for row in rows]
    await sandbox.close()
    return found


def samples_of(row: dict[str, Any], done: VerifiedTask) -> list[Sample]:
    """The candidates of a row in every selection of it."""
    labels = _labels(row, done)
    right = [place for place, label in enumerate(labels) if label]
    rng = random.Random(row["task_id"])
    everything = [place for place, label in enumerate(labels) if label is not None]
    chosen: list[tuple[str, int, set[int]]] = [("whole", 0, set(everything))]
    chosen += [
        ("one right", left, {place for place in everything if not labels[place] or place == left}) for left in right
    ]
    sizes = [min(rng.randint(1, 6), len(everything)) for _ in range(PARTS)]
    chosen += [("part", turn, set(rng.sample(everything, size))) for turn, size in enumerate(sizes)]
    found = [sample for selection in chosen for sample in _selected(row, done, labels, *selection)]
    for turn, is_right in enumerate((False, False, True)):
        if alike := [place for place in done.comparison.observed if labels[place] is is_right]:
            copied = _with_copies(done, rng.choice(sorted(alike)), rng.randint(*COPIES))
            found += _selected(row, copied, labels, "copied", turn, set(everything))
    return found


def _with_copies(done: VerifiedTask, place: int, count: int) -> VerifiedTask:
    """The task with copies of one candidate that behave the same. Each copy has its own dead assignment."""
    template = next(one for one in done.group if index_of(one) == place)
    copies = [_copied(template, len(done.group) + turn) for turn in range(count)]
    observed = dict(done.comparison.observed) | dict.fromkeys(map(index_of, copies), done.comparison.observed[place])
    return replace(done, group=(*done.group, *copies), comparison=replace(done.comparison, observed=observed))


def _copied(judged: Judged, index: int) -> Judged:
    lines = judged.candidate.text.splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if line.strip())
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    text = "".join([*lines[:first], f"{indent}spare_{index} = {index}\n", *lines[first:]])
    completion = replace(judged.candidate.completion, index=index)
    return replace(judged, candidate=replace(judged.candidate, completion=completion, text=text))


def _labels(row: dict[str, Any], done: VerifiedTask) -> list[bool | None]:
    """The labels of a row.

    An unlabelled slip is wrong if the canonical solution returns and the slip differs from it.
    """
    labels = [candidate["correct"] for candidate in row["candidates"]]
    canonical = next((place for place, one in enumerate(row["candidates"]) if one["kind"] == "canonical"), None)
    observed = done.comparison.observed
    for place, label in enumerate(labels):
        if label is None and canonical is not None and canonical in observed and place in observed:
            pairs = zip(observed[canonical], observed[place], strict=True)
            differs = any(one.ending is Ending.RETURNED and not is_same(one, other) for one, other in pairs)
            labels[place] = False if differs else None
    return labels


def _selected(
    row: dict[str, Any], done: VerifiedTask, labels: list[bool | None], selection: str, part: int, kept: set[int]
) -> list[Sample]:
    if done.judge is None:
        return []
    group = [one for one in done.group if index_of(one) in kept or index_of(one) >= len(labels)]
    members = set(map(index_of, group))
    observed = {index: seen for index, seen in done.comparison.observed.items() if index in members}
    weighed = Weighed.of(group, done.judge, Comparison(calls=done.comparison.calls, observed=observed))
    return [
        Sample(
            task=row["task_id"],
            group=row["group"],
            selection=selection,
            part=part,
            has_examples=row["has_examples"],
            correct=bool(labels[index_of(one)]),
            vector=signals.vector() if (signals := weighed.signals.get(index_of(one))) is not None else None,
        )
        for one in group
        if index_of(one) < len(labels)
    ]


def fitted(samples: Sequence[Sample]) -> list[HistGradientBoostingClassifier]:
    """Trees for the samples that could be run. A selection of many candidates weighs at most as much as twelve."""
    known = [sample for sample in samples if sample.vector is not None]
    sizes = Counter((sample.task, sample.selection) for sample in known)
    weights = [
        WEIGHTS[sample.selection]
        * (1.0 if sample.selection == "whole" else min(1.0, 12 / sizes[sample.task, sample.selection]))
        for sample in known
    ]
    vectors, labels = np.array([sample.vector for sample in known], dtype=float), [sample.correct for sample in known]
    return [_trees(seed).fit(vectors, labels, sample_weight=weights) for seed in range(SEEDS)]


def _trees(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.09,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        max_features=0.5,
        monotonic_cst=[1 if name in RAISING else -1 if name in LOWERING else 0 for name in NAMES],
        random_state=seed,
    )


def cross_validated(
    rows: Sequence[Judgement], samples: Sequence[Sample], others: Sequence[Sample]
) -> list[tuple[Sequence[Judgement], Calibration]]:
    """The rows in folds, each with trees that were fitted to `others` and to the samples of the other folds' tasks."""
    groups = [row["group"] for row, _ in rows]
    found: list[tuple[Sequence[Judgement], Calibration]] = []
    for _, unseen in GroupKFold(FOLDS).split(groups, groups, groups):
        left_out = {groups[place] for place in unseen}
        model = fitted([*others, *(sample for sample in samples if sample.group not in left_out)])
        found.append(([rows[place] for place in unseen], parsed(exported(model))))
    return found


def report(name: str, folds: Sequence[tuple[Sequence[Judgement], Calibration]]) -> None:
    """Print the offers, with each row settled by its fold's trees, and the calibration of these trees."""
    cells: dict[tuple[str, bool], list[bool]] = {}
    whole: list[tuple[float, bool]] = []
    for rows, estimate in folds:
        for row, done in rows:
            labels = _labels(row, done)
            kind = f"{'with' if row['has_examples'] else 'without'} examples"
            everything = {place for place, label in enumerate(labels) if label is not None}
            settled_ones = _settled(done, everything, estimate)
            whole += [(_chance(one), bool(labels[index_of(one)])) for one in settled_ones]
            wrong = {place for place in everything if not labels[place]}
            alone = [one for right in everything - wrong for one in _settled(done, wrong | {right}, estimate)]
            for title, group in ((kind, settled_ones), (f"{kind}, one right", alone)):
                for one in group:
                    cells.setdefault((title, bool(labels[index_of(one)])), []).append(one.tier in OFFERED)
    print(name)
    for title in sorted({title for title, _ in cells}):
        right, wrong_ones = cells[title, True], cells[title, False]
        rates = f"TPR {np.mean(right):.3f} ({len(right)})  TNR {1 - np.mean(wrong_ones):.3f} ({len(wrong_ones)})"
        print(f"  {title:28s} {rates}")
    print(f"  expected calibration error {calibration_error(whole):.3f}")


def _settled(done: VerifiedTask, kept: set[int], estimate: Calibration) -> list[Judged]:
    """The kept candidates, settled again by the given estimate."""
    if done.judge is None:
        return []
    group = [_unsettled(one) for one in done.group if index_of(one) in kept]
    observed = {index: seen for index, seen in done.comparison.observed.items() if index in kept}
    with patch.object(settling, "calibration", lambda: estimate):
        return settling.settled(group, done.judge, Comparison(calls=done.comparison.calls, observed=observed))


def _unsettled(judged: Judged) -> Judged:
    """A candidate with the tier that its own tests gave it, before its group was compared."""
    if judged.verdicts:
        passes = all(verdict.is_pass for verdict in judged.verdicts)
        return replace(judged, tier=Tier.VERIFIED if passes else Tier.UNVERIFIED)
    return replace(judged, tier=Tier.CHECKED) if judged.tier is Tier.CONSISTENT else judged


def _chance(judged: Judged) -> float:
    return PROBABILITY_OF_NOTHING if judged.probability is None else judged.probability


def exported(models: Sequence[HistGradientBoostingClassifier]) -> dict[str, Any]:
    """The trees in the form that `plum_lsp.verification.calibration` reads. The log-odds of the models are averaged."""
    trees = [
        [
            round(float(node["value"]) / len(models), 5)
            if node["is_leaf"]
            else [int(node["feature_idx"]), float(node["num_threshold"]), int(node["left"]), int(node["right"])]
            for node in predictor.nodes
        ]
        for model in models
        for (predictor,) in model._predictors
    ]
    base = sum(float(model._baseline_prediction.ravel()[0]) for model in models) / len(models)
    return {"signals": list(NAMES), "base": round(base, 5), "trees": trees}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    """Judge, fit, print, and with --write write the trees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("groups", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = asyncio.run(judged(_read(arguments.folder / "verifier.jsonl")))
    labelled = [sample for row, done in rows for sample in samples_of(row, done)]
    made: list[Sample] = []
    for path in arguments.groups:
        for row, done in asyncio.run(judged(_read(path))):
            made += [replace(sample, task=f"{path.name} {sample.task}") for sample in samples_of(row, done)]
    report("labelled tasks, fitted to the made groups only", [(rows, parsed(exported(fitted(made))))])
    report("labelled tasks, five-fold cross-validation", cross_validated(rows, labelled, made))
    if arguments.write:
        target = Path(__file__).parent.parent / "plum_lsp" / "verification" / "calibration.json"
        target.write_text(
            json.dumps(exported(fitted([*labelled, *made])), separators=(",", ":")) + "\n", encoding="ascii"
        )
        print(f"written: {target}")


if __name__ == "__main__":
    main()
