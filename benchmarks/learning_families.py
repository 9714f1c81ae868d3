"""The families of `learning_tasks`: one idea each, with a number in it. Three sets share no idea.

`TRAIN` is learned from, `TUNING` chooses settings such as the learning rate, and `HELD_OUT` judges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One idea. `{n}` in name and sentence stands for the number."""

    name: str
    parameter: str
    result: str
    sentence: str
    solve: Callable[[Any, int], Any]


def _family(name: str, parameter: str, result: str, sentence: str, solve: Callable[[Any, int], Any]) -> Family:
    return Family(name=f"{name}_{{n}}", parameter=parameter, result=result, sentence=sentence, solve=solve)


INT, TEXT = "number: int", "text: str"
NUMBERS, WORDS = "numbers: list[int]", "words: list[str]"
AMOUNT, WORD, VALUES = "amount: int", "word: str", "values: list[int]"
LIST, TEXTS = "list[int]", "list[str]"

TRAIN = (
    _family("add", INT, "int", "The number plus {n}.", lambda x, n: x + n),
    _family("times", NUMBERS, LIST, "Every number times {n}.", lambda x, n: [y * n for y in x]),
    _family("above", NUMBERS, LIST, "The numbers above {n}.", lambda x, n: [y for y in x if y > n]),
    _family("repeated", TEXT, "str", "The text, {n} times in a row.", lambda x, n: x * n),
    _family("first", TEXT, "str", "The first {n} characters.", lambda x, n: x[:n]),
    _family("is_multiple_of", INT, "bool", "Whether {n} divides it.", lambda x, n: x % n == 0),
    _family("at_most", INT, "int", "The number, but no more than {n}.", lambda x, n: min(x, n)),
    _family("total_with", NUMBERS, "int", "The sum of all numbers, and {n} more.", lambda x, n: sum(x) + n),
    _family("without_last", "items: list[int]", LIST, "All items but the last {n}.", lambda x, n: x[:-n]),
    _family("has_length", TEXT, "bool", "Whether it has {n} characters.", lambda x, n: len(x) == n),
    _family("minus", INT, "int", "The number less {n}.", lambda x, n: x - n),
    _family("power", INT, "int", "The number to the power of {n}.", lambda x, n: x**n),
    _family("last", TEXT, "str", "The last {n} characters.", lambda x, n: x[-n:]),
    _family("is", INT, "bool", "Whether the number is {n}.", lambda x, n: x == n),
    _family("raised_by", NUMBERS, LIST, "Every number plus {n}.", lambda x, n: [y + n for y in x]),
    _family("joined", WORDS, "str", "All words, {n} dashes between them.", lambda x, n: ("-" * n).join(x)),
    _family("quotient", INT, "int", "How often {n} goes into the number.", lambda x, n: x // n),
    _family("without", NUMBERS, LIST, "All numbers other than {n}.", lambda x, n: [y for y in x if y != n]),
    _family("append", NUMBERS, LIST, "The numbers with {n} behind them.", lambda x, n: [*x, n]),
    _family("short", WORDS, TEXTS, "Words of at most {n} characters.", lambda x, n: [y for y in x if len(y) <= n]),
    _family("distance_from", INT, "int", "How far the number is from {n}.", lambda x, n: abs(x - n)),
    _family("count_of", NUMBERS, "int", "How often {n} occurs.", lambda x, n: x.count(n)),
    _family("copies", NUMBERS, LIST, "The whole list, {n} times in a row.", lambda x, n: x * n),
    _family("capitals", TEXT, "str", "The first {n} characters in capitals.", lambda x, n: x[:n].upper() + x[n:]),
    _family("cut_at", TEXT, TEXTS, "The first {n} characters, and the rest.", lambda x, n: [x[:n], x[n:]]),
    _family("total_above", NUMBERS, "int", "The sum of those above {n}.", lambda x, n: sum(y for y in x if y > n)),
    _family("all_above", NUMBERS, "bool", "Whether all numbers are above {n}.", lambda x, n: all(y > n for y in x)),
    _family("any_multiple_of", NUMBERS, "bool", "Whether {n} divides any.", lambda x, n: any(y % n == 0 for y in x)),
    _family("limited_to", NUMBERS, LIST, "Every number, but {n} if above.", lambda x, n: [min(y, n) for y in x]),
    _family("starred", TEXT, "str", "The text behind {n} stars.", lambda x, n: "*" * n + x),
    _family("tagged", TEXT, "str", "The text, a colon and {n}.", lambda x, n: f"{x}:{n}"),
    _family("backwards", TEXT, "str", "The first {n} characters of it backwards.", lambda x, n: x[::-1][:n]),
    _family("is_within", INT, "bool", "Whether it is 0 or more and at most {n}.", lambda x, n: 0 <= x <= n),
    _family("top", NUMBERS, LIST, "The {n} greatest, greatest first.", lambda x, n: sorted(x, reverse=True)[:n]),
    _family("labelled", INT, "str", "The number, a space and {n}.", lambda x, n: f"{x} {n}"),
    _family("total_times", NUMBERS, "int", "The sum of all numbers, times {n}.", lambda x, n: sum(x) * n),
    _family("length_times", TEXT, "int", "The number of characters, times {n}.", lambda x, n: len(x) * n),
    _family("places_of", NUMBERS, LIST, "Where {n} stands.", lambda x, n: [i for i, y in enumerate(x) if y == n]),
    _family("flags", NUMBERS, "list[bool]", "For each, whether it is above {n}.", lambda x, n: [y > n for y in x]),
    _family("sign", INT, "int", "1 if the number is above {n}, else 0.", lambda x, n: int(x > n)),
)
TUNING = (
    _family("left_of", INT, "int", "What is left of {n} without the number.", lambda x, n: n - x),
    _family("is_not", INT, "bool", "Whether the number differs from {n}.", lambda x, n: x != n),
    _family("ends_with", NUMBERS, "bool", "Whether the last number is {n}.", lambda x, n: x[-1:] == [n]),
    _family("at_least", INT, "int", "The number, but {n} at least.", lambda x, n: max(x, n)),
    _family("in_front", NUMBERS, LIST, "{n} in front of all numbers.", lambda x, n: [n, *x]),
    _family("stars_behind", TEXT, "str", "{n} stars follow it.", lambda x, n: x + "*" * n),
    _family("long", WORDS, TEXTS, "Every word with more letters than {n}.", lambda x, n: [y for y in x if len(y) > n]),
    _family("lowered_by", NUMBERS, LIST, "{n} taken from each.", lambda x, n: [y - n for y in x]),
    _family("last_items", NUMBERS, LIST, "The {n} items at the end.", lambda x, n: x[-n:]),
    _family("total_below", NUMBERS, "int", "What those under {n} add up to.", lambda x, n: sum(y for y in x if y < n)),
    _family("one_more_than", INT, "int", "{n} times it, and one more.", lambda x, n: n * x + 1),
    _family("none_above", NUMBERS, "bool", "Whether none exceeds {n}.", lambda x, n: all(y <= n for y in x)),
)
HELD_OUT = (
    _family("squared_less", INT, "int", "Its square, less {n}.", lambda x, n: x * x - n),
    _family("count_below", VALUES, "int", "How many values lie below {n}.", lambda x, n: sum(y < n for y in x)),
    _family("every", WORD, "str", "Every letter that is {n} further, from the start.", lambda x, n: x[::n]),
    _family("padded_to", WORD, "str", "Filled up with zeros on its left to {n}.", lambda x, n: x.zfill(n)),
    _family("rest_by", AMOUNT, "int", "The remainder after division by {n}.", lambda x, n: x % n),
    _family("contains", VALUES, "bool", "Whether {n} is among the values.", lambda x, n: n in x),
    _family("drop", VALUES, LIST, "What follows the {n} in front.", lambda x, n: x[n:]),
    _family("is_longer_than", WORD, "bool", "Whether it exceeds {n} letters.", lambda x, n: len(x) > n),
    _family("largest_or", VALUES, "int", "The greatest value, or {n} if none.", lambda x, n: max(x, default=n)),
    _family("tens_plus", AMOUNT, "int", "Ten times the amount, and {n}.", lambda x, n: 10 * x + n),
    _family("multiples", AMOUNT, LIST, "So many multiples of {n}.", lambda x, n: [n * i for i in range(1, x + 1)]),
    _family("rotated", VALUES, LIST, "Moved left by {n}, the front goes last.", lambda x, n: x[n:] + x[:n]),
    _family("doubled", AMOUNT, "int", "The amount, doubled {n} times.", lambda x, n: x * 2**n),
    _family("pieces", WORD, TEXTS, "Pieces of {n} letters.", lambda x, n: [x[i : i + n] for i in range(0, len(x), n)]),
    _family("is_odd_after", AMOUNT, "bool", "Whether it is odd once {n} is added.", lambda x, n: (x + n) % 2 == 1),
    _family("dotted_to", WORD, "str", "Filled up with dots on its right to {n}.", lambda x, n: x.ljust(n, ".")),
    _family("different_plus", VALUES, "int", "The count of different values, plus {n}.", lambda x, n: len(set(x)) + n),
    _family("begins_with", VALUES, "bool", "Whether {n} comes first.", lambda x, n: x[:1] == [n]),
    _family("letter", WORD, "str", "The letter at place {n}, or nothing.", lambda x, n: x[n : n + 1]),
    _family("pairs_with", VALUES, "list[tuple[int, int]]", "Each, paired with {n}.", lambda x, n: [(y, n) for y in x]),
    _family("divided_by", VALUES, LIST, "Each value over {n}, rounded down.", lambda x, n: [y // n for y in x]),
    _family("range_from", AMOUNT, LIST, "From {n} up to the amount.", lambda x, n: list(range(n, x + 1))),
    _family("zero_for", VALUES, LIST, "Zero in place of each {n}.", lambda x, n: [0 if y == n else y for y in x]),
    _family("if_even", AMOUNT, "int", "{n} if the amount is even, else the amount.", lambda x, n: x if x % 2 else n),
    _family("letters_less", WORDS, "int", "All letters counted, less {n}.", lambda x, n: sum(map(len, x)) - n),
    _family("any_longer", WORDS, "bool", "If a word has over {n} letters.", lambda x, n: any(len(y) > n for y in x)),
    _family("sizes_plus", WORDS, LIST, "Each word's size, plus {n}.", lambda x, n: [len(y) + n for y in x]),
    _family(
        "counted_from",
        WORDS,
        "list[tuple[int, str]]",
        "Each word behind its number, from {n} on.",
        lambda x, n: list(enumerate(x, n)),
    ),
    _family("stretched", WORD, "str", "Each letter {n} times.", lambda x, n: "".join(y * n for y in x)),
    _family("initial", WORD, "str", "Its initial letter, {n} times.", lambda x, n: x[:1] * n),
    _family("digits_plus", AMOUNT, "int", "Its digits added up, plus {n}.", lambda x, n: sum(map(int, str(x))) + n),
    _family("rests_by", VALUES, LIST, "Each value's remainder by {n}.", lambda x, n: [y % n for y in x]),
    _family("is_double", AMOUNT, "bool", "Whether it is two times {n}.", lambda x, n: x == 2 * n),
    _family("half_less", AMOUNT, "int", "Half of it, rounded down, less {n}.", lambda x, n: x // 2 - n),
    _family("negative_less", AMOUNT, "int", "Its negative, less {n}.", lambda x, n: -x - n),
    _family("product_by", VALUES, "int", "The product of all values and {n}.", lambda x, n: math.prod(x) * n),
    _family("squares_plus", VALUES, "int", "All squares summed, plus {n}.", lambda x, n: sum(y * y for y in x) + n),
    _family("count_a_plus", WORD, "int", "How many letters a, plus {n}.", lambda x, n: x.count("a") + n),
    _family("instead_of_a", WORD, "str", "{n} in place of every letter a.", lambda x, n: x.replace("a", str(n))),
    _family("steps", AMOUNT, LIST, "From 0, below the amount, in steps of {n}.", lambda x, n: list(range(0, x, n))),
)
