"""Which functions judge, and what must not be trained on beside them: the same prompt, and near copies. Pure.

A side is chosen by the path of a file within its project, so that one file under several addresses has one side. The
texts are compared as well, because code is copied from file to file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from plum_trainer.data.prompts import HeldOut

NEAR = 0.8
"""Functions that share this much of all their words (Jaccard's index of the two sets) are near copies."""
PROMPTS_PER_FUNCTION_MAX = 4
"""Further prompts of one function tell little that is new, and each costs as many samples."""

_WORD = re.compile(r"\w+")
_FUNCTION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]", re.MULTILINE)

Words = frozenset[str]


def words_of(before: str) -> Words:
    """The words of the function that ends `before`, up to its hole. Of everything if there is no function."""
    starts = [match.start() for match in _FUNCTION.finditer(before)]
    return frozenset(_WORD.findall(before[starts[-1] if starts else 0 :]))


def is_near(one: Words, other: Words) -> bool:
    """Whether two functions are near copies."""
    if min(len(one), len(other)) < NEAR * max(len(one), len(other)):
        return False
    return len(one & other) >= NEAR * len(one | other)


def judging(found: Iterable[HeldOut], *, prompts_max: int) -> tuple[HeldOut, ...]:
    """The prompts that judge, with near copies counted as one function. Of each function at most some prompts.

    If there are more than `prompts_max`, every function keeps a prompt before any keeps a second one. The choice
    depends on hashes, so that it hardly changes from round to round.
    """
    known: list[tuple[str, Words]] = []
    by_function: dict[str, list[HeldOut]] = {}
    for one in sorted(found, key=lambda one: one.id):
        words = words_of(one.before)
        name = next((name for name, other in known if name == one.function or is_near(words, other)), one.function)
        if (name, words) not in known:
            known.append((name, words))
        by_function.setdefault(name, []).append(replace(one, function=name))
    ordered = sorted(by_function.values(), key=lambda prompts: _hash(prompts[0].function))
    rows = zip_longest(*(prompts[:PROMPTS_PER_FUNCTION_MAX] for prompts in ordered))
    return tuple(one for row in rows for one in row if one is not None)[:prompts_max]


def kept_apart(judges: Sequence[HeldOut], programs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The hashes of prompts that must not be trained on: those of the judges, and of near copies of their functions.

    Args:
        judges: the prompts that judge.
        programs: hash and code before the hole of each prompt.
    """
    hashes = {one.id for one in judges}
    texts = {words_of(one.before) for one in judges}
    answers: dict[Words, bool] = {}
    for prompt_hash, before in programs:
        words = words_of(before)
        if words not in answers:
            answers[words] = any(is_near(words, other) for other in texts)
        if answers[words]:
            hashes.add(prompt_hash)
    return frozenset(hashes)


def looks(functions: Iterable[str], earlier: Iterable[Mapping[str, object]]) -> int:
    """Which look at this held-out set comes next, counted from 1.

    An earlier look counts if it judged more than half of these functions. A set that has mostly been renewed is new.

    Args:
        functions: the names of those that judge now.
        earlier: the reports of earlier decisions.
    """
    now = set(fingerprints(functions))
    seen = (report.get("held_out") for report in earlier)
    return 1 + sum(isinstance(one, list) and 2 * len(now & set(one)) > len(now) for one in seen)


def fingerprints(functions: Iterable[str]) -> list[str]:
    """Names that do not describe the code, for the history."""
    return sorted({_hash(one)[:12] for one in functions})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
