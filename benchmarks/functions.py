"""Functions that the benchmarks complete. Each has examples as tests and ends where its body is missing."""

from __future__ import annotations

from pathlib import Path

FUNCTIONS = {
    "running_total": '''def running_total(numbers: list[int]) -> list[int]:
    """The sums of the first one, two, three, ... numbers.

    >>> running_total([1, 2, 3])
    [1, 3, 6]
    >>> running_total([])
    []
    """
''',
    "count_vowels": '''def count_vowels(text: str) -> int:
    """How many vowels a text has, in either case.

    >>> count_vowels("Banana")
    3
    >>> count_vowels("xyz")
    0
    >>> count_vowels("AEIOU")
    5
    """
''',
    "is_palindrome": '''def is_palindrome(text: str) -> bool:
    """Whether a text reads the same backwards.

    >>> is_palindrome("level")
    True
    >>> is_palindrome("hello")
    False
    >>> is_palindrome("")
    True
    """
''',
    "human_duration": (Path(__file__).resolve().parent.parent / "examples" / "durations.py").read_text(
        encoding="utf-8"
    ),
    "flatten": '''def flatten(rows: list[list[int]]) -> list[int]:
    """The items of all rows in one list.

    >>> flatten([[1, 2], [3]])
    [1, 2, 3]
    >>> flatten([])
    []
    """
''',
    "second_largest": '''def second_largest(numbers: list[int]) -> int | None:
    """The second largest of the different numbers, or None if there is none.

    >>> second_largest([3, 1, 2])
    2
    >>> second_largest([5, 5])
    >>> second_largest([1, 4, 4])
    1
    """
''',
    "word_lengths": '''def word_lengths(text: str) -> dict[str, int]:
    """Each word of a text with its length.

    >>> word_lengths("to be or")
    {'to': 2, 'be': 2, 'or': 2}
    >>> word_lengths("")
    {}
    """
''',
    "clamp": '''def clamp(value: int, low: int, high: int) -> int:
    """The value, moved into the range from low to high.

    >>> clamp(5, 0, 3)
    3
    >>> clamp(-1, 0, 3)
    0
    >>> clamp(2, 0, 3)
    2
    """
''',
}
