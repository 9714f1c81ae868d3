"""Simple functions to learn on: each is a header with a docstring and examples, and the body is what is asked for.

A model of 135 million parameters writes about half of them rightly, which is where most can be learned: a group of
candidates then holds right and wrong ones.
"""

from __future__ import annotations

_TABLE = """
add(a: int, b: int) -> int | The sum of two numbers. | add(1, 2) = 3 | add(-4, 4) = 0
subtract(a: int, b: int) -> int | The first number less the second. | subtract(5, 3) = 2 | subtract(1, 4) = -3
multiply(a: int, b: int) -> int | The product of two numbers. | multiply(3, 4) = 12 | multiply(-2, 5) = -10
square(n: int) -> int | The square of a number. | square(4) = 16 | square(-3) = 9
cube(n: int) -> int | The cube of a number. | cube(2) = 8 | cube(-3) = -27
is_even(n: int) -> bool | Whether a number is even. | is_even(4) = True | is_even(7) = False
is_odd(n: int) -> bool | Whether a number is odd. | is_odd(3) = True | is_odd(10) = False
absolute(n: int) -> int | The absolute value of a number. | absolute(-5) = 5 | absolute(3) = 3
largest(numbers: list[int]) -> int | The largest number of a list. | largest([3, 9, 2]) = 9 | largest([-5, -1]) = -1
smallest(numbers: list[int]) -> int | The smallest number of a list. | smallest([3, 9, 2]) = 2 | smallest([7]) = 7
total(numbers: list[int]) -> int | The sum of a list of numbers. | total([1, 2, 3]) = 6 | total([]) = 0
count_items(items: list[int]) -> int | How many items a list has. | count_items([4, 5]) = 2 | count_items([]) = 0
first_item(items: list[int]) -> int | The first item of a list. | first_item([7, 8]) = 7 | first_item([1]) = 1
last_item(items: list[int]) -> int | The last item of a list. | last_item([7, 8]) = 8 | last_item([1]) = 1
reverse_text(text: str) -> str | The text backwards. | reverse_text('abc') = 'cba' | reverse_text('') = ''
reverse_list(items: list[int]) -> list[int] | The list backwards. | reverse_list([1, 2, 3]) = [3, 2, 1] | reverse_list([]) = []
upper_case(text: str) -> str | The text in capital letters. | upper_case('abc') = 'ABC' | upper_case('x1') = 'X1'
lower_case(text: str) -> str | The text in small letters. | lower_case('ABC') = 'abc' | lower_case('Xy') = 'xy'
text_length(text: str) -> int | How many characters a text has. | text_length('hello') = 5 | text_length('') = 0
double_all(numbers: list[int]) -> list[int] | Every number times two. | double_all([1, 2]) = [2, 4] | double_all([]) = []
only_even(numbers: list[int]) -> list[int] | The even numbers of a list. | only_even([1, 2, 4]) = [2, 4] | only_even([3]) = []
only_positive(numbers: list[int]) -> list[int] | The numbers above zero. | only_positive([-1, 2, 0]) = [2] | only_positive([5]) = [5]
count_vowels(text: str) -> int | How many vowels a text has. | count_vowels('banana') = 3 | count_vowels('xyz') = 0
is_palindrome(text: str) -> bool | Whether a text reads the same backwards. | is_palindrome('level') = True | is_palindrome('ab') = False
factorial(n: int) -> int | The product of the numbers from 1 to n. | factorial(4) = 24 | factorial(0) = 1
average(numbers: list[float]) -> float | The mean of a list of numbers. | average([1, 2, 3]) = 2.0 | average([4]) = 4.0
celsius(fahrenheit: float) -> float | Degrees Fahrenheit as degrees Celsius. | celsius(212) = 100.0 | celsius(32) = 0.0
is_empty(items: list[int]) -> bool | Whether a list has no items. | is_empty([]) = True | is_empty([0]) = False
repeat_text(text: str, times: int) -> str | The text, repeated. | repeat_text('ab', 2) = 'abab' | repeat_text('x', 0) = ''
join_words(words: list[str]) -> str | The words with spaces between. | join_words(['a', 'b']) = 'a b' | join_words([]) = ''
split_words(text: str) -> list[str] | The words of a text. | split_words('a b') = ['a', 'b'] | split_words('one') = ['one']
count_words(text: str) -> int | How many words a text has. | count_words('a b c') = 3 | count_words('') = 0
sort_numbers(numbers: list[int]) -> list[int] | The numbers, smallest first. | sort_numbers([3, 1, 2]) = [1, 2, 3] | sort_numbers([]) = []
sort_descending(numbers: list[int]) -> list[int] | The numbers, largest first. | sort_descending([1, 3]) = [3, 1] | sort_descending([]) = []
unique(items: list[int]) -> list[int] | The items without repetition, in order. | unique([1, 2, 1]) = [1, 2] | unique([]) = []
contains(items: list[int], item: int) -> bool | Whether a list has an item. | contains([1, 2], 2) = True | contains([], 1) = False
power(base: int, exponent: int) -> int | The base raised to the exponent. | power(2, 3) = 8 | power(5, 0) = 1
is_positive(n: int) -> bool | Whether a number is above zero. | is_positive(3) = True | is_positive(0) = False
sign(n: int) -> int | 1, 0 or -1, as a number is above, at or below zero. | sign(9) = 1 | sign(0) = 0 | sign(-2) = -1
maximum(a: int, b: int) -> int | The larger of two numbers. | maximum(1, 2) = 2 | maximum(5, -5) = 5
minimum(a: int, b: int) -> int | The smaller of two numbers. | minimum(1, 2) = 1 | minimum(5, -5) = -5
is_divisible(a: int, b: int) -> bool | Whether a is a multiple of b. | is_divisible(6, 3) = True | is_divisible(7, 2) = False
sum_of_squares(numbers: list[int]) -> int | The sum of the squares. | sum_of_squares([1, 2]) = 5 | sum_of_squares([]) = 0
digits(n: int) -> list[int] | The digits of a number, in order. | digits(123) = [1, 2, 3] | digits(7) = [7]
sum_of_digits(n: int) -> int | The sum of a number's digits. | sum_of_digits(123) = 6 | sum_of_digits(9) = 9
starts_with(text: str, start: str) -> bool | Whether a text starts so. | starts_with('abc', 'ab') = True | starts_with('abc', 'c') = False
ends_with(text: str, end: str) -> bool | Whether a text ends so. | ends_with('abc', 'bc') = True | ends_with('abc', 'a') = False
remove_spaces(text: str) -> str | The text without spaces. | remove_spaces('a b c') = 'abc' | remove_spaces('x') = 'x'
capitalise(text: str) -> str | The text with its first letter large. | capitalise('hello') = 'Hello' | capitalise('a') = 'A'
merge(a: list[int], b: list[int]) -> list[int] | Both lists, one after the other. | merge([1], [2]) = [1, 2] | merge([], []) = []
count_of(items: list[int], item: int) -> int | How often a list has an item. | count_of([1, 1, 2], 1) = 2 | count_of([], 1) = 0
index_of(items: list[int], item: int) -> int | Where an item is first, or -1. | index_of([5, 6], 6) = 1 | index_of([], 1) = -1
drop_first(items: list[int]) -> list[int] | The list without its first item. | drop_first([1, 2]) = [2] | drop_first([]) = []
middle(a: int, b: int, c: int) -> int | The number between the other two. | middle(1, 3, 2) = 2 | middle(9, 5, 7) = 7
"""


def simple_functions() -> dict[str, str]:
    """Each function's header by its name; what follows the header is its body."""
    functions = {}
    for line in _TABLE.strip().splitlines():
        signature, sentence, *examples = (part.strip() for part in line.split(" | "))
        lines = [f"def {signature}:", f'    """{sentence}', ""]
        for example in examples:
            call, _, result = example.partition(" = ")
            lines += [f"    >>> {call}", f"    {result}"]
        functions[signature.partition("(")[0]] = "\n".join([*lines, '    """', ""])
    return functions
