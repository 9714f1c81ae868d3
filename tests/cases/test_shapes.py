"""Answers at shapes of code that the other tables do not have: formatted strings, whole classes, open brackets."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

WORDS = '''import re


def slug(title: str) -> str:
    """Turn a title into a slug.

    >>> slug("Hello, World!")
    'hello-world'
    """
    ‸


def other(title):
    return slug(title).upper()
'''
W_BODY = 'words = re.findall(r"[a-z0-9]+", title.lower())\n    return "-".join(words)'
W_MARGIN = 'words = re.findall(r"[a-z0-9]+", title.lower())\nreturn "-".join(words)\n'
CLS = '''class Stack:
    """A stack.

    >>> s = Stack()
    >>> s.push(1)
    >>> s.push(2)
    >>> s.pop()
    2
    """

    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        ‸

    def __len__(self):
        return len(self._items)
'''
IFS = '''def grade(n):
    """
    >>> grade(95)
    'A'
    >>> grade(85)
    'B'
    >>> grade(10)
    'F'
    """
    if n >= 90:
        return "A"
    ‸
'''
GEN = '''def chunks(xs, n):
    """
    >>> list(chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    ‸
'''
GEN_BODY = "for i in range(0, len(xs), n):\n        yield xs[i:i + n]"
RET = '''def full(first, last):
    """
    >>> full("Ada", "L")
    'Ada L'
    """
    return f"{fi‸
'''
PAREN = '''def dist(p, q):
    """
    >>> dist((0, 0), (3, 4))
    5.0
    """
    return ((p[0] - q[0]) ** 2 + (‸
'''
DICT = '''def count(words):
    """
    >>> count(["a", "b", "a"])
    {'a': 2, 'b': 1}
    """
    counts = {}
    for word in words:
        counts[word] = ‸
    return counts
'''
ELSE = '''def parity(n):
    """
    >>> parity(2)
    'even'
    >>> parity(3)
    'odd'
    """
    if n % 2 == 0:
        return "even"
    else:
        ‸
'''
TRY = '''def to_int(text):
    """
    >>> to_int("4")
    4
    >>> to_int("x") is None
    True
    """
    try:
        ‸
    except ValueError:
        return None
'''
ONE = '''def neg(n):
    """
    >>> neg(3)
    -3
    """
    return ‸  # the negative
'''
DECO = '''from dataclasses import dataclass


@dataclass
class Money:
    cents: int

    @property
    def euros(self) -> float:
        """
        >>> Money(250).euros
        2.5
        """
        ‸
'''
TABM = """class A:
    def twice(self, n):
        '''
        >>> A().twice(4)
        8
        '''
        ‸

    def thrice(self, n):
        return 3 * n
""".replace("    ", "\t")
STR = '''def banner(text):
    """
    >>> print(banner("hi"))
    ==
    hi
    ==
    """
    ‸
'''
MULTI = '''def merge(a, b):
    """
    >>> merge({"x": 1}, {"y": 2})
    {'x': 1, 'y': 2}
    """
    return {
        **a,
        ‸
    }
'''
COMPR = '''def squares(n):
    """
    >>> squares(3)
    [0, 1, 4]
    """
    return [i ** 2 ‸]
'''
V = ("verified",)
CASES = [
    Case(
        "repeats other",
        WORDS,
        f"    {W_BODY}\n\n\ndef other(title):\n    return slug(title).upper()\n",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "whole file fence",
        WORDS,
        f"```python\n{filled(WORDS, W_BODY)}```",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "numbered list talk",
        WORDS,
        f"1. Find words\n2. Join them\n\n```py\n{W_MARGIN}```\n",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case("quote block", WORDS, f"> The answer\n\n```\n{W_MARGIN}```", gives=filled(WORDS, W_BODY), tiers=V),
    Case(
        "xml tool",
        WORDS,
        f"<solution>\n```python\n{W_MARGIN}```\n</solution>",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "file sep",
        WORDS,
        f"    {W_BODY}\n<|file_sep|>tests/test_slug.py\nimport slug\n",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "filename tok",
        WORDS,
        f"    {W_BODY}\n<filename>tests/test_slug.py\nimport slug\n",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case("gemma end", WORDS, f"{W_MARGIN}<end_of_turn>\n<start_of_turn>user\n", gives=filled(WORDS, W_BODY), tiers=V),
    Case(
        "llama3 eot",
        WORDS,
        f"{W_MARGIN}<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "cls def",
        CLS,
        "def pop(self):\n    return self._items.pop()\n",
        gives=filled(CLS, "return self._items.pop()"),
        tiers=V,
    ),
    Case(
        "cls repeats len",
        CLS,
        "        return self._items.pop()\n\n    def __len__(self):\n        return len(self._items)\n",
        gives=filled(CLS, "return self._items.pop()"),
        tiers=V,
    ),
    Case(
        "cls whole class",
        CLS,
        "```python\nclass Stack:\n" + CLS.partition('"""\n\n')[2].replace("‸", "return self._items.pop()") + "```",
        gives=filled(CLS, "return self._items.pop()"),
        tiers=V,
    ),
    Case(
        "cls adds method",
        CLS,
        "        return self._items.pop()\n\n    def peek(self):\n        return self._items[-1]\n",
        gives=filled(CLS, "return self._items.pop()"),
    ),
    Case(
        "ifs all again",
        IFS,
        'if n >= 90:\n        return "A"\n    if n >= 80:\n        return "B"\n    return "F"\n',
        gives=filled(IFS, 'if n >= 80:\n        return "B"\n    return "F"'),
        tiers=V,
    ),
    Case(
        "gen talk yields",
        GEN,
        f"This generator yields chunks.\n\n    {GEN_BODY}\n",
        gives=filled(GEN, GEN_BODY),
        tiers=V,
    ),
    Case("fstring mid", RET, 'rst} {last}"\n', gives=filled(RET, 'rst} {last}"'), tiers=V),
    Case("fstring word", RET, 'first} {last}"\n', gives=filled(RET, 'rst} {last}"'), tiers=V),
    Case("fstring line", RET, 'return f"{first} {last}"\n', gives=filled(RET, 'rst} {last}"'), tiers=V),
    Case(
        "paren line",
        PAREN,
        "return ((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2) ** 0.5\n",
        gives=filled(PAREN, "p[1] - q[1]) ** 2) ** 0.5"),
        tiers=V,
    ),
    Case(
        "dict line",
        DICT,
        "counts[word] = counts.get(word, 0) + 1\n    return counts\n",
        gives=filled(DICT, "counts.get(word, 0) + 1"),
        tiers=V,
    ),
    Case(
        "dict whole",
        DICT,
        filled(DICT, "counts.get(word, 0) + 1"),
        gives=filled(DICT, "counts.get(word, 0) + 1"),
        tiers=V,
    ),
    Case("else again", ELSE, 'else:\n        return "odd"\n', gives=filled(ELSE, 'return "odd"'), tiers=V),
    Case(
        "else all",
        ELSE,
        'if n % 2 == 0:\n        return "even"\n    else:\n        return "odd"\n',
        gives=filled(ELSE, 'return "odd"'),
        tiers=V,
    ),
    Case(
        "try",
        TRY,
        "return int(text)\n    except ValueError:\n        return None\n",
        gives=filled(TRY, "return int(text)"),
        tiers=V,
    ),
    Case(
        "try again",
        TRY,
        "    try:\n        return int(text)\n    except ValueError:\n        return None\n",
        gives=filled(TRY, "return int(text)"),
        tiers=V,
    ),
    Case("comment behind repeat", ONE, "-n  # the negative\n", gives=filled(ONE, "-n"), tiers=V),
    Case(
        "property def",
        DECO,
        "    @property\n    def euros(self) -> float:\n        return self.cents / 100\n",
        gives=filled(DECO, "return self.cents / 100"),
        tiers=V,
    ),
    Case("tab method spaces", TABM, "        return 2 * n\n", gives=filled(TABM, "return 2 * n"), tiers=V),
    Case(
        "tab method loop",
        TABM,
        "        total = 0\n        for _ in range(2):\n            total += n\n        return total\n",
        gives=filled(TABM, "total = 0\n\t\tfor _ in range(2):\n\t\t\ttotal += n\n\t\treturn total"),
        tiers=V,
    ),
    Case(
        "tab method def",
        TABM,
        "    def twice(self, n):\n        return 2 * n\n",
        gives=filled(TABM, "return 2 * n"),
        tiers=V,
    ),
    Case(
        "triple string",
        STR,
        '    line = "=" * len(text)\n    return f"""{line}\n{text}\n{line}"""\n',
        gives=filled(STR, 'line = "=" * len(text)\n    return f"""{line}\n{text}\n{line}"""'),
        tiers=V,
    ),
    Case(
        "triple string margin",
        STR,
        'line = "=" * len(text)\nreturn f"""{line}\n{text}\n{line}"""\n',
        gives=filled(STR, 'line = "=" * len(text)\n    return f"""{line}\n{text}\n{line}"""'),
        tiers=V,
    ),
    Case("multi closes", MULTI, "**b,\n    }\n", gives=filled(MULTI, "**b,"), tiers=V),
    Case("compr", COMPR, "for i in range(n)]\n", gives=filled(COMPR, "for i in range(n)"), tiers=V),
    Case("compr all", COMPR, "return [i ** 2 for i in range(n)]", gives=filled(COMPR, "for i in range(n)"), tiers=V),
    Case("unused params", WORDS, '    return "hello-world"\n', tiers=("checked",)),
    Case("crlf body", WORDS, f"    {W_BODY}\n".replace("\n", "\r\n"), gives=filled(WORDS, W_BODY), tiers=V),
    Case(
        "doc then talk then code",
        WORDS,
        f"Below is the implementation of the `slug` function:\n\n    {W_BODY}\n\nThe function `slug` is short.",
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "assert after",
        WORDS,
        f'    {W_BODY}\n\nassert slug("Hello, World!") == "hello-world"\n',
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case(
        "tests after",
        WORDS,
        f'    {W_BODY}\n\ndef test_slug():\n    assert slug("A b") == "a-b"\n',
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case("class after", WORDS, f"    {W_BODY}\n\nclass Foo:\n    pass\n", gives=filled(WORDS, W_BODY), tiers=V),
    Case(
        "decorator after",
        WORDS,
        f'    {W_BODY}\n\n@app.route("/")\ndef index():\n    return ""\n',
        gives=filled(WORDS, W_BODY),
        tiers=V,
    ),
    Case("cut decorator", WORDS, f"    {W_BODY}\n\n@app.route(", finish="length", gives=filled(WORDS, W_BODY), tiers=V),
    Case("dead code after return", WORDS, f'    {W_BODY}\n    print(slug("x"))\n', tiers=V),
    Case(
        "another name", WORDS, f"def slugify(title: str) -> str:\n    {W_BODY}\n", gives=filled(WORDS, W_BODY), tiers=V
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)
