"""Scripts: files that do not run as a whole. What the function needs of them is run, and the label says so."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

WITHOUT = "without the rest of the file"
AREA = '''\
def area(width, height):
    """
    >>> area(2, 3)
    6
    """
    ‸
'''
LOOP = "\n\nwhile True:\n    pass\n"
RIGHT, WRONG = "return width * height\n", "return width + height\n"

ABOVE = {
    "asks for input": 'name = input("Name? ")\n',
    "converts input": 'count = int(input("How many? "))\nrows = [int(cell) for cell in input().split(",")]\n',
    "reads input to its end": "import sys\n\ntext = sys.stdin.read()\nfirst = text.split()[0]\n",
    "reads an argument": "import sys\n\nsource = sys.argv[1]\n",
    "unpacks arguments": "import sys\n\n_, source, target = sys.argv\n",
    "parses arguments": (
        "import argparse\n\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('path')\nargs = parser.parse_args()\n"
    ),
    "ends without arguments": "import sys\n\nif len(sys.argv) < 2:\n    sys.exit('usage: area.py FILE')\n",
    "opens a file": 'with open("data.csv") as file:\n    lines = file.readlines()\n',
    "reads a configuration": 'import json\n\nCONFIG = json.loads(open("/etc/area/config.json").read())\n',
    "wants a variable of the environment": 'import os\n\nTOKEN = os.environ["AREA_TOKEN"]\n',
    "misses a package": "import a_package_that_is_not_there as missing\n",
    "misses a part of a package": "from a_package_that_is_not_there.drawing import Canvas, Pen\n",
    "imports a name that its module lacks": "from math import area_of_everything\n",
    "connects": 'import socket\n\nserver = socket.create_connection(("127.0.0.1", 9), timeout=1)\n',
    "waits for ever": "import time\n\nwhile not globals().get('ready'):\n    time.sleep(0.1)\n",
    "counts for ever": "n = 0\nwhile True:\n    n += 1\n",
    "raises": 'raise SystemExit("not on this system")\n',
    "fails a check": "assert 1 > 2, 'wrong platform'\n",
}
BELOW = {
    "a call that fails": "\n\nresult = int('seven')\n",
    "an endless loop": LOOP,
    "a menu": (
        '\n\nwhile True:\n    choice = input("> ")\n    if choice == "q":\n        break\n'
        "    print(area(*map(int, choice.split())))\n"
    ),
    "a call, then a question": "\n\nprint(area(1, 2))\nn = int(input())\n",
    "a print of input": "\n\nprint(area(int(input()), int(input())))\n",
    "a main that ends": "\n\nimport sys\n\ndef main():\n    print(area(1, 2))\n    return 0\n\nsys.exit(main())\n",
    "an argument": "\n\nimport sys\n\nprint(area(int(sys.argv[1]), int(sys.argv[2])))\n",
    "a name without a definition": "\n\nprint(perimeter(1, 2))\n",
    "an undefined base": "\n\nclass Shape(Drawable):\n    pass\n",
    "a file to write": '\n\nwith open("/nowhere/out.txt", "w") as out:\n    out.write("done")\n',
}


def function(signature: str, example: str, value: str) -> str:
    """A function with one example and the cursor in its body."""
    return f'def {signature}:\n    """\n    >>> {example}\n    {value}\n    """\n    ‸\n'


HELPED = {
    "a helper": (
        "size = int(input())\n\n\ndef twice(n):\n    return n * 2\n\n\n" + function("f(n)", "f(2)", "5"),
        "return twice(n) + 1\n",
    ),
    "a constant": (
        "import sys\n\nRATE = 3\npath = sys.argv[1]\n\n\n" + function("f(n)", "f(2)", "6"),
        "return n * RATE\n",
    ),
    "an import": (
        "import math\nimport a_package_that_is_not_there\n\n\n" + function("f(n)", "f(9)", "3"),
        "return math.isqrt(n)\n",
    ),
    "a table that is filled": (
        'TABLE = {}\nTABLE["a"] = 1\nTABLE.update(b=2)\nn = input()\n\n\n' + function("f(key)", 'f("b")', "2"),
        "return TABLE[key]\n",
    ),
    "a class below": (
        "n = int(input())\n\n\n" + function("f(n)", "f(2)", "7") + "\n\nclass Adder:\n    step = 5\n",
        "return n + Adder.step\n",
    ),
    "a class around it": (
        "n = int(input())\n\n\nclass Adder:\n    def __init__(self, step):\n        self.step = step\n\n"
        '    def add(self, n):\n        """\n        >>> Adder(2).add(3)\n        5\n        """\n        ‸\n',
        "return self.step + n\n",
    ),
    "names that only the examples use": (
        "from fractions import Fraction\n\nn = input()\n\n\n" + function("f(x)", "f(Fraction(1, 2))", "Fraction(1, 1)"),
        "return x * 2\n",
    ),
    "an argument": (
        "import sys\n\nfactor = int(sys.argv[1])\n\n\n" + function("f(n)", "f(0)", "0"),
        "return n * factor\n",
    ),
    "two arguments": (
        "from sys import argv\n\nlow, high = float(argv[1]), float(argv[2])\n\n\n"
        + function("f(n)", "f(0) * 2", "0.0"),
        "return n * (high - low)\n",
    ),
    "a path from the arguments": (
        "import sys\n\nwith open(sys.argv[1]) as file:\n    lines = file.readlines()\n\n\n"
        + function("f()", "f() > 0", "True"),
        "return len(lines)\n",
    ),
    "a value that was asked for": (
        'factor = int(input("Factor? "))\n\n\n' + function("f(n)", "f(0)", "0"),
        "return n * factor\n",
    ),
}
UNMET = {
    "the package that is missing": (
        "import a_package_that_is_not_there as pd\n\n\n",
        "return pd.product(width, height)\n",
    ),
    "a value that cannot be read": (
        "import sys\n\nscale = float(sys.argv[9])\n\n\n",
        "return width * height * scale\n",
    ),
    "a function that needs it": (
        "import a_package_that_is_not_there as pd\n\n\ndef times(a, b):\n    return pd.times(a, b)\n\n\n",
        "return times(width, height)\n",
    ),
}

GUARDED = AREA + '\n\nif __name__ == "__main__":\n    print(area(int(input()), 2))\n'


def offered(name: str, text: str, says: str) -> Case:
    """The right body is verified, and the label says without what."""
    return Case(name, text, says, offered=says, tiers=("verified",), words=WITHOUT)


CASES = [
    *(offered(f"above: {name}", f"{code}\n\n{AREA}", RIGHT) for name, code in ABOVE.items()),
    *(offered(f"below: {name}", AREA + code, RIGHT) for name, code in BELOW.items()),
    *(offered(f"with {name}", text, says) for name, (text, says) in HELPED.items()),
    *(
        Case(f"wrong beside: {name}", f"{ABOVE[name]}\n\n{AREA}", WRONG, nothing=True, reason="all_failed")
        for name in list(ABOVE)[:6]
    ),
    Case("wrong with an argument", HELPED["an argument"][0], "return n + 1\n", nothing=True),
    *(
        Case(f"not blamed: {name}", code + AREA, says, nothing=True, reason="tier_not_offered", words="does not run")
        for name, (code, says) in UNMET.items()
    ),
    Case("a guarded main is no trouble", GUARDED, RIGHT, offered=RIGHT, tiers=("verified",)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)


EDITS = [
    offered("an endless file", AREA + LOOP, RIGHT),
    offered("the same file again", AREA + LOOP, RIGHT),
    offered("its function edited", AREA.replace(">>> area(2, 3)\n    6", ">>> area(2, 4)\n    8") + LOOP, RIGHT),
    Case("its function edited, and a wrong body", AREA.replace("6", "7") + LOOP, RIGHT, nothing=True),
    Case("the loop taken out", AREA, RIGHT, offered=RIGHT, tiers=("verified",), unsaid=WITHOUT),
    Case("a loop that ends", AREA + LOOP.replace("pass", "break"), RIGHT, offered=RIGHT, unsaid=WITHOUT),
    offered("the loop put back", AREA + LOOP, RIGHT),
    offered("another loop", AREA + LOOP.replace("pass", "..."), RIGHT),
]


async def test_an_endless_file_is_edited(desk: Desk) -> None:
    """What is known of it is used while only its function changes, and no longer."""
    for case in EDITS:
        await desk.check(case)
