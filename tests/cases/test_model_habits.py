"""Further habits of models: other languages, edit blocks, nested functions, words that the cursor is in."""

from __future__ import annotations

import pytest
from support.buffers import LINE, LOOP, METHOD, TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

FIZZ = '''def fizz(n: int) -> str:
    """Return fizz.

    >>> fizz(3)
    'Fizz'
    """
    ‸
'''
KW = '''def join(parts, sep=", "):
    """Join.

    >>> join(["a"])
    'a'
    """
    out = sep.jo‸
    return out
'''
ARG = """def f(xs):
    return sorted(xs, key=lambda x: x.na‸)
"""
ELIF = """def grade(n):
    if n > 90:
        return "A"
    el‸
"""
COMP = """def evens(numbers):
    return [num for num in numb‸]
"""
ASYNC = '''import asyncio

async def fetch(url):
    """Get."""
    ‸
'''
STATIC = '''class M:
    @staticmethod
    def add(a, b):
        """
        >>> M.add(1, 2)
        3
        """
        ‸

    @staticmethod
    def sub(a, b):
        return a - b
'''
NEST = '''def outer(n):
    """
    >>> outer(2)
    4
    """
    def inner(x):
        ‸
    return inner(n)
'''
TOPDEF = """import math

‸
"""
WITH = '''def read(path):
    """Read."""
    with open(path) as f:
        ‸
'''

CASES = [
    Case(
        "crlf answer",
        TOTAL,
        "```python\r\ndef total(xs):\r\n    return sum(xs)\r\n```\r\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "fence w/ file name",
        TOTAL,
        '```python title="total.py"\ndef total(xs):\n    return sum(xs)\n```\n',
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case("fence py3", TOTAL, "```python3\nreturn sum(xs)\n```", gives=filled(TOTAL, "return sum(xs)")),
    Case(
        "fence after code w/ explanation",
        TOTAL,
        "    return sum(xs)\n```\n\nThe function sums.",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "comment explanation after",
        TOTAL,
        "    return sum(xs)\n\n# Example usage:\n# print(total([1]))\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "example usage",
        TOTAL,
        "    return sum(xs)\n\n# Example usage\nprint(total([1, 2]))\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "if main",
        TOTAL,
        "    return sum(xs)\n\n\nif __name__ == '__main__':\n    import doctest\n    doctest.testmod()\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "loop then main",
        TOTAL,
        f"    {LOOP}\n\nif __name__ == '__main__':\n    print(total([1]))\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "talk no fence margin",
        TOTAL,
        "The missing code is:\n\nresult = 0\nfor x in xs:\n    result += x\nreturn result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "step talk",
        TOTAL,
        "To solve this, we need to sum.\n\n1. Start at zero.\n2. Add each.\n\n"
        "```python\ndef total(xs):\n    return sum(xs)\n```",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "talk with apostrophe & eot",
        TOTAL,
        "Here's the code:\n    return sum(xs)<|im_end|>",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "note after",
        TOTAL,
        "    return sum(xs)\n\nNote: this works for numbers.\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "note after loop",
        TOTAL,
        f"    {LOOP}\n\nLet me know if you have questions!",
        gives=filled(TOTAL, LOOP),
    ),
    Case("emoji talk", TOTAL, "✅ Done:\n```python\nreturn sum(xs)\n```", gives=filled(TOTAL, "return sum(xs)")),
    Case(
        "lowercase talk",
        TOTAL,
        "here is the function\n```python\nreturn sum(xs)\n```",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "German talk",
        TOTAL,
        "Hier ist die fertige Funktion:\n```python\ndef total(xs):\n    return sum(xs)\n```",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "Chinese talk",
        TOTAL,
        "以下是完整的函数:\n```python\ndef total(xs):\n    return sum(xs)\n```",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case("Chinese talk no fence", TOTAL, "以下是代码：\n    return sum(xs)\n", gives=filled(TOTAL, "return sum(xs)")),
    Case("Chinese after", TOTAL, "    return sum(xs)\n\n这个函数返回总和。\n", gives=filled(TOTAL, "return sum(xs)")),
    Case("fence no newline", TOTAL, "```python return sum(xs) ```", gives=filled(TOTAL, "return sum(xs)")),
    Case("double fences", TOTAL, "```\n```python\nreturn sum(xs)\n```\n```", gives=filled(TOTAL, "return sum(xs)")),
    Case(
        "def other docstring quotes",
        TOTAL,
        "def total(xs):\n    '''Sum.'''\n    return sum(xs)\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "async header",
        ASYNC,
        "async def fetch(url):\n    await asyncio.sleep(0)\n    return url\n",
        gives=filled(ASYNC, "await asyncio.sleep(0)\n    return url"),
    ),
    Case(
        "static header",
        STATIC,
        "    @staticmethod\n    def add(a, b):\n        return a + b\n",
        gives=filled(STATIC, "return a + b"),
    ),
    Case(
        "static header margin",
        STATIC,
        "@staticmethod\ndef add(a, b):\n    return a + b\n",
        gives=filled(STATIC, "return a + b"),
    ),
    Case(
        "repeat next too",
        STATIC,
        "        return a + b\n\n    @staticmethod\n    def sub(a, b):\n        return a - b\n",
        gives=filled(STATIC, "return a + b"),
    ),
    Case("nested inner", NEST, "        return x * x\n    return inner(n)\n", gives=filled(NEST, "return x * x")),
    Case("nested margin", NEST, "return x * x\n", gives=filled(NEST, "return x * x")),
    Case("nested inner header", NEST, "    def inner(x):\n        return x * x\n", gives=filled(NEST, "return x * x")),
    Case(
        "nested whole outer",
        NEST,
        "def outer(n):\n    def inner(x):\n        return x * x\n    return inner(n)\n",
        gives=filled(NEST, "return x * x"),
    ),
    Case("method call word", KW, "join(parts)\n", gives=filled(KW, "in(parts)")),
    Case("method call obj", KW, "sep.join(parts)\n", gives=filled(KW, "in(parts)")),
    Case("lambda attr", ARG, "name)", gives=filled(ARG, "me")),
    Case("elif word", ELIF, 'elif n > 80:\n        return "B"\n', gives=filled(ELIF, 'if n > 80:\n        return "B"')),
    Case("else word", ELIF, 'else:\n        return "B"\n', gives=filled(ELIF, 'se:\n        return "B"')),
    Case("elif cont", ELIF, 'if n > 80:\n        return "B"\n', gives=filled(ELIF, 'if n > 80:\n        return "B"')),
    Case("comp", COMP, "numbers if num % 2 == 0]", gives=filled(COMP, "ers if num % 2 == 0")),
    Case(
        "comp whole", COMP, "return [num for num in numbers if num % 2 == 0]", gives=filled(COMP, "ers if num % 2 == 0")
    ),
    Case(
        "with line", WITH, "    with open(path) as f:\n        return f.read()\n", gives=filled(WITH, "return f.read()")
    ),
    Case("with margin", WITH, "return f.read()\n", gives=filled(WITH, "return f.read()")),
    Case(
        "file above repeated",
        TOTAL,
        TOTAL.partition("‸")[0].rstrip() + "\n    return sum(xs)\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "doc single line diff",
        FIZZ,
        '    """Return fizz."""\n    return "Fizz"*(n % 3 == 0)\n',
        gives=filled(FIZZ, 'return "Fizz"*(n % 3 == 0)'),
    ),
    Case(
        "comment + code legit",
        FIZZ,
        '    # Check three\n    return "Fizz"*(n % 3 == 0)\n',
        gives=filled(FIZZ, '# Check three\n    return "Fizz"*(n % 3 == 0)'),
    ),
    Case(
        "top def",
        TOPDEF,
        "```python\ndef area(r):\n    return math.pi * r ** 2\n```\n",
        gives=filled(TOPDEF, "def area(r):\n    return math.pi * r ** 2"),
    ),
    Case(
        "top def + import repeat",
        TOPDEF,
        "import math\n\ndef area(r):\n    return math.pi * r ** 2\n",
        gives=filled(TOPDEF, "def area(r):\n    return math.pi * r ** 2"),
    ),
    Case("think in line", LINE, "<think>sum</think>a + b", gives=filled(LINE, "a + b")),
    Case("line with def", LINE, "def add(a, b):\n    return a + b\n", gives=filled(LINE, "a + b")),
    Case("line fence full", LINE, "```python\ndef add(a, b):\n    return a + b\n```", gives=filled(LINE, "a + b")),
    Case("line talk", LINE, "The answer is:\n\n```python\nreturn a + b\n```", gives=filled(LINE, "a + b")),
    Case("line inline code in talk", LINE, "You should write `a + b`.", offered="a + b"),
    Case("answer tag", TOTAL, "<answer>\nreturn sum(xs)\n</answer>", gives=filled(TOTAL, "return sum(xs)")),
    Case("html code pre", TOTAL, "<pre><code>\nreturn sum(xs)\n</code></pre>", gives=filled(TOTAL, "return sum(xs)")),
    Case("cursor marker", TOTAL, "    return sum(xs)<|cursor|>\n", gives=filled(TOTAL, "return sum(xs)")),
    Case("FILL_ME", TOTAL, "<FILL_ME>", nothing=True),
    Case(
        "deepseek think",
        TOTAL,
        "<｜Assistant｜><think>\nok\n</think>\n\nreturn sum(xs)<｜end▁of▁sentence｜>",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "diff only plus in fence text",
        TOTAL,
        "```diff\n def total(xs):\n+    result = 0\n+    for x in xs:\n+        result += x\n+    return result\n```",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "patch begin",
        TOTAL,
        "*** Begin Patch\n*** Update File: a.py\n@@\n+    return sum(xs)\n*** End Patch",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case(
        "search/replace",
        TOTAL,
        "<<<<<<< SEARCH\n=======\n    return sum(xs)\n>>>>>>> REPLACE\n",
        gives=filled(TOTAL, "return sum(xs)"),
    ),
    Case("json", TOTAL, '{"code": "return sum(xs)"}', offered="return sum(xs)"),
    Case("trailing backslash n literal", TOTAL, "    return sum(xs)\\n", offered="return sum(xs)"),
    Case(
        "tab/space mix within",
        TOTAL,
        "\tresult = 0\n\tfor x in xs:\n\t    result += x\n\treturn result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "3-space",
        TOTAL,
        "   result = 0\n   for x in xs:\n      result += x\n   return result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "first line at 0, rest deep",
        TOTAL,
        "result = 0\n        for x in xs:\n            result += x\n        return result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "last line at margin",
        TOTAL,
        "    result = 0\n    for x in xs:\n        result += x\nreturn result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "return one short space",
        TOTAL,
        "    result = 0\n    for x in xs:\n        result += x\n   return result\n",
        gives=filled(TOTAL, LOOP),
    ),
    Case(
        "method w/ nested margin else",
        METHOD,
        "if not self.prices:\n    return 0\nelse:\n    return sum(self.prices)\n",
        gives=filled(
            METHOD, "if not self.prices:\n            return 0\n        else:\n            return sum(self.prices)"
        ),
    ),
    Case(
        "try margin",
        TOTAL,
        "try:\n    return sum(xs)\nexcept TypeError:\n    return 0\n",
        gives=filled(TOTAL, "try:\n        return sum(xs)\n    except TypeError:\n        return 0"),
    ),
    Case(
        "nested def margin",
        TOTAL,
        "def step(xs):\n    return sum(xs)\n\nreturn step(xs)\n",
        gives=filled(TOTAL, "def step(xs):\n        return sum(xs)\n\n    return step(xs)"),
    ),
    Case(
        "import margin",
        TOTAL,
        "import functools\n\nreturn functools.reduce(lambda a, b: a + b, xs)\n",
        gives=filled(TOTAL, "import functools\n\n    return functools.reduce(lambda a, b: a + b, xs)"),
    ),
    Case("leading blank & deep", TOTAL, "\n\n        return sum(xs)\n", gives=filled(TOTAL, "return sum(xs)")),
    Case("ends w/ spaces", TOTAL, "    return sum(xs)   \n    ", gives=filled(TOTAL, "return sum(xs)")),
    Case("eot then fence", TOTAL, "    return sum(xs)\n<|endoftext|>```\n", gives=filled(TOTAL, "return sum(xs)")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)
