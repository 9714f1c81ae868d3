"""What judges is not trained on: neither its prompt in another file, nor a near copy, nor the file elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from plum_trainer.data.apart import (
    PROMPTS_PER_FUNCTION_MAX,
    fingerprints,
    is_near,
    judging,
    kept_apart,
    looks,
    words_of,
)
from plum_trainer.data.places import place_of
from plum_trainer.data.prompts import HeldOut

MEAN = 'def mean(values):\n    """The mean of some numbers, 0 for none of them."""\n'
COPY = MEAN.replace("mean(", "average(")
OTHER = 'def longest(words):\n    """The longest of the words, the first of several."""\n'


def judge(name: str, before: str = "", *, function: str = "") -> HeldOut:
    """A prompt that judges."""
    code = before or f"def {name}(one, two):\n"
    rest = {"prompt": code, "after": "", "kind": "body", "indent": "    ", "line_head": "    ", "judged_by": ""}
    return HeldOut(id=name, function=function or f"a.py::{name}", shown=code, before=code, **rest)


def test_near_copies_share_most_of_their_words() -> None:
    """Whatever comes before them in their files."""
    assert is_near(words_of(MEAN), words_of("import math\n\n\ndef f():\n    return 1\n\n\n" + COPY))
    assert not is_near(words_of(MEAN), words_of(OTHER))
    assert not is_near(words_of("def add(a, b):\n"), words_of("def sub(a, b):\n"))
    twin = OTHER.replace("longest", "shortest")
    assert not is_near(words_of(OTHER), words_of(twin)), "words alone do not find twins in so short a text"


def test_prompts_near_a_judge_are_not_trained_on() -> None:
    """Nor is the judge's own prompt, in whichever file it was asked."""
    programs = [("same", MEAN), ("copy", COPY), ("other", OTHER)]
    assert kept_apart([judge("same", MEAN)], programs) == {"same", "copy"}


def test_a_function_judges_with_some_prompts_only() -> None:
    """A copy of it counts as the same function."""
    many = [judge(f"p{number}", MEAN, function="a.py::mean") for number in range(12)]
    chosen = judging([*many, judge("copy", COPY, function="b.py::average"), judge("other", OTHER)], prompts_max=100)
    assert len(chosen) == PROMPTS_PER_FUNCTION_MAX + 1
    assert len({one.function for one in chosen}) == 2


def test_every_function_judges_before_any_judges_twice() -> None:
    """Where there are more prompts than are sampled."""
    found = [judge(f"{name}{number}", function=f"a.py::{name}") for name in ("f", "g", "h") for number in range(3)]
    assert {one.function for one in judging(found, prompts_max=3)} == {"a.py::f", "a.py::g", "a.py::h"}
    assert judging(found, prompts_max=5) == judging(reversed(found), prompts_max=5)


def test_looks_at_one_held_out_set_are_counted() -> None:
    """A set of which half or more is new is a new one. The history has no names."""
    names = [f"a.py::f{number}" for number in range(10)]
    first = {"held_out": fingerprints(names)}
    assert looks(names, []) == 1
    assert looks(names, [first, {}, first]) == 3
    assert looks([*names[:6], "b", "c", "d", "e"], [first]) == 2
    assert looks([*names[:5], "b", "c", "d", "e", "f"], [first]) == 1
    assert not any("::" in one for one in first["held_out"])


@pytest.mark.parametrize("clone", ["one", "two"])
def test_a_file_has_one_place_under_all_its_addresses(tmp_path: Path, clone: str) -> None:
    """In each clone of its project. Outside a project its address is its place."""
    file = tmp_path / clone / "src" / "a file.py"
    (tmp_path / clone / ".git").mkdir(parents=True)
    assert place_of(file.as_uri()) == "src/a file.py"
    assert place_of("untitled:1") == "untitled:1"
