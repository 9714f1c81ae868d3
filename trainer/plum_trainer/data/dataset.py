"""From the store's pairs and labels to the rows of one round: fresh, balanced, mixed, and split by file.

A file's prompts are all trained on or all held out, by the hash of its path in its project, so that a file never
changes sides. Copies of what is held out are left out, too (`apart`). Deterministic in the seed. Does not tokenize
(`rows`) and does not train.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from plum_lsp.config import LearningSettings
from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.learning import PairSource
from plum_lsp.domain.preferences import StoredLabel, StoredPair
from plum_lsp.feedback.pairs import UNLIKELY_RULE, USER_LABEL_RULE
from plum_trainer.data.apart import words_of
from plum_trainer.data.rows import LabelRow, PairRow, Row

_LABEL_SOURCES = {USER_LABEL_RULE: "user", UNLIKELY_RULE: "synthesized"}
StoredType = TypeVar("StoredType", StoredPair, StoredLabel)
RowType = TypeVar("RowType", PairRow, LabelRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The rows of one round, and what was counted while they were chosen."""

    rows: tuple[Row, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What counts as on-policy: candidates of this base, at most `staleness_max` versions old.

    A server that does not tell its base is taken to serve the one that the settings name.
    """

    version: int
    base_sha256: str
    staleness_max: int

    def holds(self, number: int, base_sha256: str) -> bool:
        """Whether a candidate's version is fresh enough."""
        return base_sha256 in ("", self.base_sha256) and 0 <= self.version - number <= self.staleness_max


def is_held_out(place: str, share: float) -> bool:
    """Whether a file is held out from training, by its path in its project. The same in every round."""
    digest = hashlib.sha256(place.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is trained on. `share` of the files is held out, and the prompts in `apart` (hashes) are left out, too.

    `place` gives the path of a file in its project by its address.
    """

    share: float
    place: Callable[[str], str]
    apart: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    """The people who are held out."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """The code before the hole of each prompt, by the prompt's hash."""

    def against(self, row: StoredPair | StoredLabel) -> str:
        """Why this row must not be trained on. Empty if it may."""
        if row.author in self.authors or is_held_out(self.place(row.document_uri), self.share):
            return "held_out"
        return "near_held_out" if row.prompt_hash in self.apart else ""


def pair_rows(
    pairs: Iterable[StoredPair], settings: LearningSettings, fresh: Freshness, sides: Sides, *, seed: int
) -> Dataset:
    """The pairs to train on: verdict and quality pairs, and user pairs up to their share."""
    counts: Counter[str] = Counter()
    correctness: list[PairRow] = []
    user: list[PairRow] = []
    for pair in _usable(pairs, fresh, sides, counts):
        side = user if pair.source in {PairSource.OUTCOME, PairSource.EDIT} else correctness
        side.append(_pair_row(pair))
    user_max = _mixed_in(len(correctness), settings.user_share)
    kept_user = thinned(user, user_max, seed=seed) if correctness else user
    counts["user_pairs_left_out"] = len(user) - len(kept_user)
    return _finished([*correctness, *kept_user], settings, counts, seed, wants_pairs=True)


def right_rows(
    labels: Iterable[StoredLabel], settings: LearningSettings, fresh: Freshness, sides: Sides, *, seed: int
) -> Dataset:
    """The labels of right texts alone, to be imitated. Users' labels up to their share."""
    right = (label for label in labels if label.is_desirable)
    return label_rows(right, settings, fresh, sides, seed=seed, needs_both=False)


def label_rows(
    labels: Iterable[StoredLabel],
    settings: LearningSettings,
    fresh: Freshness,
    sides: Sides,
    *,
    seed: int,
    needs_both: bool = True,
) -> Dataset:
    """The labels to train on. If `needs_both` kinds, the more frequent one is thinned to what KTO bears. Users' labels
    up to their share."""
    counts: Counter[str] = Counter()
    user: list[LabelRow] = []
    kinds: dict[bool, list[LabelRow]] = {True: [], False: []}
    for label in _usable(labels, fresh, sides, counts):
        if label.rule == USER_LABEL_RULE:
            user.append(_label_row(label))
        else:
            kinds[label.is_desirable].append(_label_row(label))
    correctness = sum(len(side) for side in kinds.values())
    kept_user = user
    if correctness:
        kept_user = thinned(user, _mixed_in(correctness, settings.user_share), seed=seed)
    counts["user_labels_left_out"] = len(user) - len(kept_user)
    for row in kept_user:
        kinds[row.is_desirable].append(row)
    fewer = min(len(side) for side in kinds.values())
    most = max(1, int(fewer * settings.imbalance_max)) if needs_both else correctness + len(user)
    rows: list[Row] = []
    for is_desirable, side in kinds.items():
        kept = thinned(side, most, seed=seed)
        counts["desirable" if is_desirable else "undesirable"] = len(kept)
        counts["imbalance_left_out"] += len(side) - len(kept)
        rows += kept
    return _finished(rows, settings, counts, seed, wants_pairs=False, needs_both=needs_both)


def _usable(rows: Iterable[StoredType], fresh: Freshness, sides: Sides, counts: Counter[str]) -> Iterator[StoredType]:
    """The rows that are fresh and on the side that is trained on. The others and the functions are counted."""
    functions = set()
    for row in rows:
        if reason := sides.against(row):
            counts[reason] += 1
        elif not fresh.holds(row.policy_number, row.base_sha256):
            counts["stale"] += 1
        else:
            functions.add(words_of(sides.codes.get(row.prompt_hash, row.prompt_hash)))
            yield row
    counts["functions"] = len(functions)


def thinned(rows: Sequence[RowType], most: int, *, seed: int) -> list[RowType]:
    """At most so many of the rows, each once, chosen by the seed. Their weights count in the loss."""
    return list(rows) if len(rows) <= most else random.Random(seed).sample(rows, most)  # noqa: S311


def bounded(rows: Sequence[Row], share: float, *, seed: int) -> list[Row]:
    """The rows without those by which one person would have more than `share` of all weight.

    People with fewer rows keep theirs, and those with more are thinned to the same weight. Few people may each have
    twice an equal part.
    """
    by_author: dict[str, list[Row]] = {}
    for row in rows:
        by_author.setdefault(row.author, []).append(row)
    weights = {author: sum(row.weight for row in of) for author, of in by_author.items()}
    most = _most(sorted(weights.values()), max(share, 2 / max(1, len(by_author))))
    kept: list[Row] = []
    for author, of in sorted(by_author.items()):
        if weights[author] > most:
            random.Random(f"{seed} {author}").shuffle(of)  # noqa: S311
        total = 0.0
        for row in of:
            if (total := total + row.weight) > most * (1 + 1e-9):
                break
            kept.append(row)
    return kept


def _most(weights: Sequence[float], share: float) -> float:
    """The largest weight of one person, so that it is at most `share` of what everyone then has.

    Args:
        weights: of each person, ascending.
        share: at least two over their number.
    """
    below = 0.0
    for number, weight in enumerate(weights):
        above = len(weights) - number
        # Where those above may have everything between them, they need not be thinned yet.
        limit = weight if share * above >= 1 else share * below / (1 - share * above)
        if limit < weight:
            return limit
        below += weight
    return weights[-1] if weights else 0.0


def replay_rows(path: Path, *, wants_pairs: bool) -> list[Row]:
    """Rows of the user's own: `prompt` with `completion` (taken as desirable), or with `chosen` and `rejected`.

    Raises:
        ConfigError: the file cannot be read, or a line is no such row.
    """
    rows: list[Row] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                rows += _replay(json.loads(line), wants_pairs=wants_pairs, number=number)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be used as learning.replay_file: {error}") from error
    return rows


def _replay(values: object, *, wants_pairs: bool, number: int) -> list[Row]:
    texts: dict[str, Any] = values if isinstance(values, dict) else {}
    common: dict[str, Any] = {"ends": True, "weight": 1.0, "source": "replay"}

    def has(*names: str) -> bool:
        return all(isinstance(texts.get(name), str) for name in names)

    if has("prompt", "chosen", "rejected"):
        prompt, chosen, rejected = texts["prompt"], texts["chosen"], texts["rejected"]
        if wants_pairs:
            ends: dict[str, Any] = {"chosen_ends": True, "rejected_ends": True}
            return [PairRow(prompt=prompt, chosen=chosen, rejected=rejected, weight=1.0, source="replay", **ends)]
        return [
            LabelRow(prompt=prompt, completion=text, is_desirable=text is chosen, **common)
            for text in (chosen, rejected)
        ]
    if has("prompt", "completion"):
        if wants_pairs:
            return []
        return [LabelRow(prompt=texts["prompt"], completion=texts["completion"], is_desirable=True, **common)]
    raise ValueError(f"line {number} has neither `prompt` and `completion` nor `prompt`, `chosen` and `rejected`")


def _finished(
    rows: Sequence[Row],
    settings: LearningSettings,
    counts: Counter[str],
    seed: int,
    *,
    wants_pairs: bool,
    needs_both: bool = True,
) -> Dataset:
    """The rows with replayed ones mixed in, shuffled. One person has no more of them than the settings say."""
    mixed = bounded(rows, settings.author_share, seed=seed)
    counts["author_left_out"] = len(rows) - len(mixed)
    rows = tuple(mixed)
    if not wants_pairs:
        counts["desirable"] = sum(isinstance(row, LabelRow) and row.is_desirable for row in rows)
        counts["undesirable"] = len(rows) - counts["desirable"]
    if settings.replay_file and rows:
        replayed = replay_rows(Path(settings.replay_file).expanduser(), wants_pairs=wants_pairs)
        if not needs_both:
            replayed = [row for row in replayed if isinstance(row, LabelRow) and row.is_desirable]
        generator = random.Random(seed + 1)  # noqa: S311
        wanted = _mixed_in(len(rows), settings.replay_share)
        generator.shuffle(replayed)
        mixed += replayed[:wanted]
        counts["replayed"] = min(wanted, len(replayed))
    random.Random(seed).shuffle(mixed)  # noqa: S311
    counts["rows"] = len(mixed)
    return Dataset(rows=tuple(mixed), counts=dict(counts))


def _mixed_in(rows: int, share: float) -> int:
    """How many rows beside `rows` others make `share` of all."""
    return round(rows * share / (1 - share)) if share < 1 else rows * 1_000


def _pair_row(pair: StoredPair) -> PairRow:
    return PairRow(
        prompt=pair.prompt,
        chosen=pair.chosen.middle,
        rejected=pair.rejected.middle,
        chosen_ends=pair.chosen.ends,
        rejected_ends=pair.rejected.ends,
        weight=pair.weight,
        source=pair.source.value,
        author=pair.author,
    )


def _label_row(label: StoredLabel) -> LabelRow:
    return LabelRow(
        prompt=label.prompt,
        completion=label.written.middle,
        ends=label.written.ends,
        is_desirable=label.is_desirable,
        weight=label.weight,
        source=_LABEL_SOURCES.get(label.rule, "verdict"),
        author=label.author,
    )
