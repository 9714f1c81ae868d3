"""Threads that parse at the same time."""

from __future__ import annotations

import ast
import subprocess
import sys

import plum_lsp.python

assert plum_lsp.python

THREADS = """
import ast, gc, sys, threading
{first}
sys.setswitchinterval(1e-6)
gc.set_threshold(50)

class Garbage:
    def __init__(self):
        self.itself = self
    def __del__(self):
        for _ in range(50):
            pass

text = "x = [" + "(f(a, b), {{1: 'c'}}, lambda d: d + 1), " * 300 + "]"
problems = []

def work(depth):
    if depth:
        return work(depth - 1)
    for _ in range(40):
        for _ in range(20):
            Garbage()
        try:
            ast.parse(text)
            ast.literal_eval("[1, (2, 'a')]")
        except SystemError as error:
            problems.append(error)

threads = [threading.Thread(target=work, args=(30 * place,)) for place in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(problems))
"""

FINALIZERS = """
import ast, gc
{first}
gc.set_threshold(50)

class Garbage:
    def __init__(self):
        self.itself = self
    def __del__(self):
        deep(20)

def deep(depth):
    return deep(depth - 1) if depth else ast.parse("1 + 1")

text = "x = [" + "(f(a, b), {{1: 'c'}}, lambda d: d + 1), " * 300 + "]"
problems = 0
for _ in range(40):
    for _ in range(20):
        Garbage()
    try:
        ast.parse(text)
    except SystemError:
        problems += 1
print(problems, gc.isenabled())
"""


def told(program: str) -> str:
    """What a process of its own prints that has loaded the package."""
    source = program.format(first="import plum_lsp.python")
    return subprocess.run([sys.executable, "-c", source], capture_output=True, encoding="utf-8", check=True).stdout


def test_threads_parse_one_after_the_other() -> None:
    """Without the lock the interpreter mixes up their recursion depths."""
    assert told(THREADS) == "0\n"


def test_no_finalizer_parses_while_a_tree_is_built() -> None:
    """It would change the recursion depth of the parse that it interrupts."""
    assert told(FINALIZERS) == "0 True\n"


def test_the_lock_is_taken_once() -> None:
    """A second import of the package adds no second lock."""
    once = ast.parse
    plum_lsp.python.parse_one_at_a_time()
    assert ast.parse is once
