"""The part of a module that a statement needs: nothing that it uses is missing, and nothing else is there."""

from __future__ import annotations

import pytest
from support.contexts import context_at

from plum_lsp.python.reading.slicing import Slices, names_used

MODULE = '''\
from __future__ import annotations
import sys, argparse
import math
from os.path import *
parser = argparse.ArgumentParser()
parser.add_argument("x")
args = parser.parse_args()
name = input("x")
RATE = 2
TABLE = {}
TABLE["a"] = 1
while True:
    line = input()
def helper(q):
    return q * RATE
def f(x):
    """f(x) of RATE and name."""
    ‸

print(f(3))
RATE.bit_length()
class Later:
    z = math.pi
'''
CASES = {
    "return x": [],
    "return helper(x)": ["RATE = 2", "def helper(q):", "return q * RATE"],
    "return TABLE[x]": ["TABLE = {}", 'TABLE["a"] = 1'],
    "return Later.z": ["import math", "class Later:", "z = math.pi"],
    "return args": [
        "import sys, argparse",
        "parser = argparse.ArgumentParser()",
        'parser.add_argument("x")',
        "args = parser.parse_args()",
    ],
    "line = 1\n    return line": [],
    "return line": ["while True:", "line = input()"],
    "return len(x)": [],
    "return join(x)": ["from os.path import *"],
    "def name():\n        return 1\n    return name()": [],
    "global RATE\n    RATE = x": [],
    "return [name for name in x]": [],
    "return (": [],
}


@pytest.mark.parametrize("text", CASES)
def test_what_a_body_needs_is_kept(text: str) -> None:
    """The lines of the module that are left are those in the table, in the order of the file."""
    made = Slices(context_at(MODULE)).around(text)
    lines = [line.strip() for line in (made.before + made.after).split("\n") if line.strip()]
    own = {"from __future__ import annotations", "def f(x):", '"""f(x) of RATE and name."""'}
    assert [line for line in lines if line not in own] == CASES[text]
    assert made.before.endswith('name."""\n    ')


def test_names_of_the_tests_are_kept_too() -> None:
    """A name that only a test uses is needed."""
    made = Slices(context_at(MODULE), also=names_used("f(Later.z)")).around("return x")
    assert "class Later" in made.after


def test_what_does_not_parse_uses_nothing() -> None:
    """A broken expression needs no name."""
    assert names_used("f(") == frozenset()
    assert names_used("a = 1\na + b") == {"b"}
