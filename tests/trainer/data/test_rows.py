"""What TRL's trainers receive, token by token: prompt, middle, an explicit end, and the loss on the middle alone."""

from __future__ import annotations

import pytest

from plum_trainer.data.rows import LabelRow, PairRow, TokenLimits, tokens_of

END = 0
SENTINELS = {"<P>": 1, "<S>": 2, "<M>": 3}


class Letters:
    """A tokenizer with one id a letter, and the sentinels as tokens of their own."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        ids: list[int] = []
        while text:
            sentinel = next((name for name in SENTINELS if text.startswith(name)), "")
            ids.append(SENTINELS[sentinel] if sentinel else ord(text[0]))
            text = text[len(sentinel) or 1 :]
        return ids


def limits(max_length: int = 100) -> TokenLimits:
    """Limits with this room."""
    return TokenLimits(max_length=max_length, end_id=END)


def pair(prompt: str = "<P>ab<S>yz<M>", *, ends: bool = True) -> PairRow:
    """A pair of two short middles."""
    return PairRow(
        prompt=prompt, chosen="cd", rejected="xyz", chosen_ends=ends, rejected_ends=ends, weight=1.0, source="verdict"
    )


def test_a_fill_in_the_middle_pair_token_by_token() -> None:
    """Sentinels stay sentinels, each middle is closed by the end, and the prompt is not."""
    assert tokens_of(pair(), Letters(), limits()) == {
        "prompt_ids": [1, ord("a"), ord("b"), 2, ord("y"), ord("z"), 3],
        "chosen_ids": [ord("c"), ord("d"), END],
        "rejected_ids": [ord("x"), ord("y"), ord("z"), END],
        "weight": 1.0,
    }


def test_a_text_cut_by_its_length_limit_gets_no_end() -> None:
    """It would be taught as finished."""
    columns = tokens_of(pair(ends=False), Letters(), limits())
    assert columns is not None
    assert END not in columns["chosen_ids"] + columns["rejected_ids"]


def test_a_prompt_that_ends_in_blanks_loses_nothing() -> None:
    """Its tail is not merged with the completion, as it was not when the policy was asked."""
    row = LabelRow(prompt="a  ", completion=" b", ends=True, is_desirable=False, weight=1.0, source="verdict")
    assert tokens_of(row, Letters(), limits()) == {
        "prompt_ids": [ord("a"), ord(" "), ord(" ")],
        "completion_ids": [ord(" "), ord("b"), END],
        "label": False,
        "weight": 1.0,
    }


@pytest.mark.parametrize(("max_length", "fits"), [(11, True), (10, False), (5, False)])
def test_a_row_is_trained_on_whole_or_not_at_all(max_length: int, fits: bool) -> None:
    """Neither its prompt nor its completion is cut. A prompt without its start would be another question."""
    columns = tokens_of(pair(), Letters(), limits(max_length=max_length))
    assert (columns is not None) is fits
    if columns is not None:
        assert len(columns["prompt_ids"]) + len(columns["rejected_ids"]) == max_length


@pytest.mark.parametrize(("max_length", "fits"), [(6, True), (5, False)])
def test_a_label_is_trained_on_whole_or_not_at_all(max_length: int, fits: bool) -> None:
    """The end counts."""
    row = LabelRow(prompt="<P>a<M>", completion="bc", ends=True, is_desirable=True, weight=1.0, source="verdict")
    assert (tokens_of(row, Letters(), limits(max_length=max_length)) is not None) is fits
