"""Fits the estimate of how likely a candidate is right, and says how good it is.

    python -m benchmarks.calibrate FOLDER GROUPS.jsonl [GROUPS.jsonl …] [--write]

FOLDER holds `verifier.jsonl`; the files of groups come from `benchmarks.groups`. Every group is judged as `plum-lsp
verify` judges it, whole, with one right candidate left, and in small random parts (people sample few candidates).
Boosted trees, monotone where reason says so, are fitted to the signals. Prints TPR and TNR of what would be offered
and the expected calibration error: of trees that saw none of the labelled tasks, and by five-fold cross-validation by
task. With --write, the trees fitted to everything become `plum_lsp/synthesis/calibration.json`. Needs the extra
`calibrate`.
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
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from benchmarks.verifier import calibration_error
from plum_lsp.comparing import Comparison
from plum_lsp.config import Settings
from plum_lsp.domain.suggestion import Judged
from plum_lsp.domain.verification import Ending, Limits
from plum_lsp.judging import index_of
from plum_lsp.sandbox.host import open_sandbox
from plum_lsp.settling import PROBABILITY_OF_NOTHING, TESTED, UNTESTED, Weighed
from plum_lsp.synthesis.agreement import is_same
from plum_lsp.synthesis.signals import NAMES
from plum_lsp.verifying import VerifiedTask, task_of, verify
from plum_lsp.wiring import MonotonicClock, sandbox_options

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
"""How often one candidate of a group is copied: copies must not be taken for agreement."""
PARTS = 3
"""Random parts of each group, of one to six candidates."""
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One candidate in one selection of its group. `vector` is None where it could not be run."""

    task: str
    group: str
    selection: str
    part: int
    has_examples: bool
    correct: bool
    passes: bool
    vector: tuple[float, ...] | None


async def judged(rows: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], VerifiedTask]]:
    """Every row with its candidates judged."""
    sandbox = await open_sandbox(sandbox_options(Settings()))
    found = [(row, await verify(task_of(json.dumps(row)), sandbox, MonotonicClock(), limits=Limits())) for row in rows]
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
    """The task with copies of one candidate that do nothing else: each has a dead assignment of its own."""
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
    """The labels of a row; an unlabelled slip is wrong where the canonical solution returns and it does otherwise."""
    labels = [candidate["correct"] for candidate in row["candidates"]]
    canonical = next((place for place, one in enumerate(row["candidates"]) if one["kind"] == "canonical"), None)
    observed = done.comparison.observed
    for place, label in enumerate(labels):
        if label is None and canonical in observed and place in observed:
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
            passes=all(verdict.is_pass for verdict in one.verdicts),
            vector=signals.vector() if (signals := weighed.signals.get(index_of(one))) is not None else None,
        )
        for one in group
        if index_of(one) < len(labels)
    ]


def fitted(samples: Sequence[Sample]) -> HistGradientBoostingClassifier:
    """Trees for the samples that could be run; a selection of many candidates weighs no more than twelve."""
    known = [sample for sample in samples if sample.vector is not None]
    sizes = Counter((sample.task, sample.selection) for sample in known)
    weights = [
        WEIGHTS[sample.selection]
        * (1.0 if sample.selection == "whole" else min(1.0, 12 / sizes[sample.task, sample.selection]))
        for sample in known
    ]
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.09,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        max_features=0.5,
        monotonic_cst=[1 if name in RAISING else -1 if name in LOWERING else 0 for name in NAMES],
        random_state=0,
    )
    vectors = np.array([sample.vector for sample in known], dtype=float)
    return model.fit(vectors, [sample.correct for sample in known], sample_weight=weights)


def estimates(model: HistGradientBoostingClassifier, samples: Sequence[Sample]) -> list[float]:
    """The probability of each sample."""
    known = [sample.vector for sample in samples if sample.vector is not None]
    found = iter(model.predict_proba(np.array(known, dtype=float))[:, 1])
    return [float(next(found)) if sample.vector is not None else PROBABILITY_OF_NOTHING for sample in samples]


def cross_validated(samples: Sequence[Sample], others: Sequence[Sample]) -> list[float]:
    """The probability of each sample by trees that were fitted to `others` and to the samples of other tasks."""
    found = np.zeros(len(samples))
    groups = [sample.group for sample in samples]
    for seen, unseen in GroupKFold(FOLDS).split(groups, groups, groups):
        model = fitted([*others, *(samples[place] for place in seen)])
        found[unseen] = estimates(model, [samples[place] for place in unseen])
    return [float(one) for one in found]


def report(name: str, samples: Sequence[Sample], probabilities: Sequence[float]) -> None:
    """Prints what would be offered, without the doubting of examples, and how well probabilities are calibrated."""
    best: dict[tuple[str, str, int], float] = {}
    for sample, probability in zip(samples, probabilities, strict=True):
        if sample.passes:
            key = (sample.task, sample.selection, sample.part)
            best[key] = max(best.get(key, 0.0), probability)
    print(name)
    for selection in ("whole", "one right"):
        for has_examples in (True, False):
            threshold = TESTED if has_examples else UNTESTED
            cells = [
                (
                    sample.passes
                    and sample.vector is not None
                    and probability >= threshold.probability
                    and probability >= threshold.share * best[sample.task, selection, sample.part],
                    sample.correct,
                )
                for sample, probability in zip(samples, probabilities, strict=True)
                if (sample.selection, sample.has_examples) == (selection, has_examples)
            ]
            right = [offered for offered, correct in cells if correct]
            wrong = [offered for offered, correct in cells if not correct]
            kind = f"{selection}, {'with' if has_examples else 'without'} examples"
            print(f"  {kind:28s} TPR {np.mean(right):.3f} ({len(right)})  TNR {1 - np.mean(wrong):.3f} ({len(wrong)})")
    whole = [(p, s.correct) for s, p in zip(samples, probabilities, strict=True) if s.selection == "whole"]
    print(f"  expected calibration error {calibration_error(whole):.3f}")


def exported(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """The trees as `plum_lsp.synthesis.calibration` reads them."""
    trees = [
        [
            round(float(node["value"]), 5)
            if node["is_leaf"]
            else [int(node["feature_idx"]), float(node["num_threshold"]), int(node["left"]), int(node["right"])]
            for node in predictor.nodes
        ]
        for (predictor,) in model._predictors
    ]
    return {"signals": list(NAMES), "base": round(float(model._baseline_prediction.ravel()[0]), 5), "trees": trees}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    """Judge, fit, print, and write the trees if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("groups", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    labelled = [
        s
        for row, done in asyncio.run(judged(_read(arguments.folder / "verifier.jsonl")))
        for s in samples_of(row, done)
    ]
    made: list[Sample] = []
    for path in arguments.groups:
        for row, done in asyncio.run(judged(_read(path))):
            made += [replace(sample, task=f"{path.name} {sample.task}") for sample in samples_of(row, done)]
    report("labelled tasks, fitted to the made groups only", labelled, estimates(fitted(made), labelled))
    report("labelled tasks, five-fold cross-validation", labelled, cross_validated(labelled, made))
    report("made groups, five-fold cross-validation", made, cross_validated(made, ()))
    if arguments.write:
        target = Path(__file__).parent.parent / "plum_lsp" / "synthesis" / "calibration.json"
        target.write_text(
            json.dumps(exported(fitted([*labelled, *made])), separators=(",", ":")) + "\n", encoding="ascii"
        )
        print(f"written: {target}")


if __name__ == "__main__":
    main()
