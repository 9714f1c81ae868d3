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


def problems(first: str) -> int:
    """How often a parse failed in a process of four threads."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(first=first)], capture_output=True, encoding="utf-8", check=True
    )
    return int(done.stdout)


def test_threads_parse_one_after_the_other() -> None:
    """Without the lock the interpreter mixes up their recursion depths."""
    assert problems("import plum_lsp.python") == 0


def test_the_lock_is_taken_once() -> None:
    """A second import of the package adds no second lock."""
    once = ast.parse
    plum_lsp.python.parse_one_at_a_time()
    assert ast.parse is once
