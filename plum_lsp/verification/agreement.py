"""The matrix of a group: the answers of its candidates on the inputs that all of them got (after CodeT, arXiv
2207.10397).

Independent candidates rarely make the same mistake, and each mistake shows on other inputs. The usual answer is
therefore probably right. Copies that differ only in names are not independent, so each form has one voice. The module
finds which candidates agree. `signals` and `calibration` decide how much that counts. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from plum_lsp.domain.verification import Ending, Node, Observation, Value
from plum_lsp.verification.likeness import Grams, core_of, form_of, grams_of, similarity

ANSWERED_SHARE_MIN = 0.5
"""An input on which a smaller share of the standing candidates returns is probably outside the contract, or of a wrong
type."""
KNOWN_SHARE_MIN = 0.3
"""Two candidates are compared on the inputs on which both ended. Below this share of the inputs they are not
comparable."""
ALIKE_MIN = 0.95
"""Two candidates that answer alike on this share of the inputs behave nearly the same. One input in twenty may
differ."""
NEAR_COPY_MIN = 0.85
"""Texts with at least this similarity (Dice) count as one program in which statements were moved, renamed or added.
Chosen by hand: with a lower value, short functions that were written independently would count as copies."""
SIGNIFICANT_DIGITS = 12
"""Floats that agree in this many digits count as equal. A sum in another order changes the last digits."""
BITS_MAX = 10_000
"""Longer integers are kept as hexadecimal text, because Python does not write decimals of more than 4300 digits."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_Answer: TypeAlias = "tuple[object, ...] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The answers of one candidate on the inputs of its group, in their order. It `stands` if it fails no test."""

    index: int
    form: str
    observations: tuple[Observation, ...]
    text: str = ""
    stands: bool = True

    @classmethod
    def of(cls, index: int, text: str, observations: Sequence[Observation], *, stands: bool) -> Trial:
        """The trial of a candidate's text."""
        return cls(index=index, form=form_of(text), observations=tuple(observations), text=text, stands=stands)


@dataclass(slots=True)
class Matrix:
    """The answers of all candidates. `inputs` are the places of the telling inputs, on which most standing voices
    return.

    `answers` holds a number for each input of `inputs`. Equal numbers mean equal answers. None means no answer.
    """

    trials: dict[int, Trial]
    inputs: tuple[int, ...]
    answers: dict[int, list[int | None]]
    voice_of: dict[int, int]
    """Maps each candidate to its voice. Copies and near-copies that answer alike share one voice."""
    _likeness: dict[tuple[int, int], float] = field(default_factory=dict)
    _grams: dict[int, Grams] = field(default_factory=dict)
    _similarity: dict[tuple[int, int], float] = field(default_factory=dict)
    _mates: dict[int, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Matrix:
        """The matrix of a group's trials. All trials have the same inputs."""
        by_index = {trial.index: trial for trial in trials}
        speakers = sorted(trials, key=_reticence, reverse=True)
        standing = list({trial.form: trial for trial in speakers if trial.stands}.values())
        inputs = _telling([trial.observations for trial in standing] or [trial.observations for trial in trials])
        numbers: dict[_Answer, int] = {}
        answers = {
            index: [_number(_answer(trial.observations[place]), numbers) for place in inputs]
            for index, trial in by_index.items()
        }
        return cls(trials=by_index, inputs=inputs, answers=answers, voice_of=_voices(speakers, answers))

    @property
    def voices(self) -> tuple[int, ...]:
        """The candidates that are voices, one for each set of copies."""
        return tuple(sorted(set(self.voice_of.values())))

    def likeness(self, left: int, right: int) -> float:
        """The share of equal answers among the inputs on which both ended. 0 if these are too few."""
        key = (left, right) if left < right else (right, left)
        if key not in self._likeness:
            both = [
                one == other
                for one, other in zip(self.answers[left], self.answers[right], strict=True)
                if one is not None and other is not None
            ]
            is_comparable = len(both) >= max(1.0, KNOWN_SHARE_MIN * len(self.inputs))
            self._likeness[key] = sum(both) / len(both) if is_comparable else 0.0
        return self._likeness[key]

    def similarity(self, left: int, right: int) -> float:
        """How alike two candidates are as texts, in [0, 1]."""
        key = (left, right) if left < right else (right, left)
        if key not in self._similarity:
            for index in key:
                if index not in self._grams:
                    self._grams[index] = grams_of(self.trials[index].form)
            self._similarity[key] = similarity(self._grams[left], self._grams[right])
        return self._similarity[key]

    def mates(self, index: int) -> frozenset[int]:
        """The other candidates that answer alike on every input."""
        if index not in self._mates:
            alike = (other for other in self.trials if other != index and self.likeness(index, other) == 1.0)
            self._mates[index] = frozenset(alike)
        return self._mates[index]

    def voices_for(self, index: int, *, among: Collection[int] | None = None) -> int:
        """The number of different candidates that behave like this one, itself included."""
        members = [index, *(mate for mate in self.mates(index) if among is None or mate in among)]
        return len({self.trials[member].form for member in members})

    def lineages(self, members: Collection[int]) -> int:
        """The number of candidates, where near-copies count once.

        A copy with dead code or another order is not independent.
        """
        groups: list[list[str]] = []
        for text in (self.trials[member].text for member in members):
            near = [group for group in groups if any(_is_near_copy(text, other) for other in group)]
            rest = [group for group in groups if all(group is not other for other in near)]
            groups = [*rest, [text, *(other for group in near for other in group)]]
        return len(groups)

    def first_difference(self, left: int, right: int) -> int | None:
        """The place of the first input that the two answer differently. None if there is none."""
        for place, one, other in zip(self.inputs, self.answers[left], self.answers[right], strict=True):
            if one != other and one is not None and other is not None:
                return place
        return None


def _voices(speakers: Sequence[Trial], answers: Mapping[int, list[int | None]]) -> dict[int, int]:
    """The voice of each candidate. Later `speakers` are voices of earlier ones."""
    voice_of: dict[int, int] = {}
    for place, trial in enumerate(speakers):
        others = (other for other in speakers[place + 1 :] if _is_copy(trial, other, answers))
        copied = next(others, None)
        voice_of[trial.index] = trial.index if copied is None else copied.index
    for trial in reversed(speakers):
        voice_of[trial.index] = voice_of[voice_of[trial.index]]
    return voice_of


def _is_copy(one: Trial, other: Trial, answers: Mapping[int, list[int | None]]) -> bool:
    if one.form == other.form:
        return True
    return answers[one.index] == answers[other.index] and _is_near_copy(one.text, other.text)


@lru_cache(maxsize=4096)
def _is_near_copy(one: str, other: str) -> bool:
    return similarity(_core_grams(one), _core_grams(other)) >= NEAR_COPY_MIN


@lru_cache(maxsize=512)
def _core_grams(text: str) -> Grams:
    return grams_of(core_of(text))


def _reticence(trial: Trial) -> tuple[int, int]:
    """Sort key for the voice among copies: most answers, then earliest. Under load a copy may be cut short."""
    return sum(one.is_cut_off for one in trial.observations), trial.index


def answered(seen: Sequence[Sequence[Observation]]) -> list[int]:
    """The places of the inputs on which enough candidates return."""
    return list(_telling(seen))


def is_same(left: Observation, right: Observation) -> bool:
    """Whether two observations of one call show the same behaviour, as far as both ended."""
    one, other = _answer(left), _answer(right)
    return one == other or one is None or other is None


def _telling(seen: Sequence[Sequence[Observation]]) -> tuple[int, ...]:
    if not seen:
        return ()
    enough = ANSWERED_SHARE_MIN * len(seen)
    columns = zip(*seen, strict=True)
    return tuple(
        place for place, column in enumerate(columns) if sum(one.ending is Ending.RETURNED for one in column) >= enough
    )


def _number(answer: _Answer, numbers: dict[_Answer, int]) -> int | None:
    return None if answer is None else numbers.setdefault(answer, len(numbers))


def _answer(seen: Observation) -> _Answer:
    """The behaviour, or None if a limit ended the call. A slow right answer must not count as a different answer."""
    if seen.is_cut_off:
        return None
    if seen.raised is not None and "RecursionError" in seen.raised.type_names:
        return None
    raised = seen.raised.type_names[0] if seen.raised is not None and seen.raised.type_names else ""
    return (seen.ending.value, _key(seen.value), raised, seen.printed.rstrip())


def _key(value: Value) -> tuple[object, ...]:
    """A hashable key. It separates `1`, `1.0` and `True`. Two NaN are equal, and so are the two zeros."""
    if isinstance(value, float):
        return ("float", f"{value + 0.0:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, complex):
        return ("complex", _key(value.real), _key(value.imag))
    if isinstance(value, int) and value.bit_length() > BITS_MAX:
        return (type(value).__name__, hex(value))
    if not isinstance(value, Node):
        return (type(value).__name__, value)
    items = [_key(item) for item in value.items]
    if value.kind in {"set", "frozenset"}:
        items.sort(key=repr)
    elif value.kind == "dict":
        pairs = sorted(zip(items[::2], items[1::2], strict=False), key=repr)
        items = [part for pair in pairs for part in pair]
    return (value.kind, value.type_name, tuple(items), "" if items else _ADDRESS.sub("0x", value.text))
