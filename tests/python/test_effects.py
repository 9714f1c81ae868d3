"""What a function asks of the world, and that the stand-ins for it give every candidate the same."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator

import pytest

from plum_lsp.domain.verification import Call, Ending, Limits, Node, Observation, Program
from plum_lsp.python.effects import Effect, effects_of, prelude_for, undecidable, with_fresh_world, with_stand_ins
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox


def kinds(source: str, name: str = "f") -> set[Effect]:
    """The effects of a function of this source."""
    return {found.effect for found in effects_of(Program(source=source), name)}


RECOGNISED = [
    ("def f(p):\n    with open(p) as file:\n        return file.read()\n", Effect.FILES),
    ("from pathlib import Path\ndef f(p):\n    return Path(p).read_text()\n", Effect.FILES),
    ("import os.path\ndef f(p):\n    return os.path.exists(p)\n", Effect.FILES),
    ("from datetime import datetime as d\ndef f():\n    return d.now()\n", Effect.CLOCK),
    ("import time as t\ndef f():\n    return t.time()\n", Effect.CLOCK),
    ("from random import choice\ndef f(x):\n    return choice(x)\n", Effect.RANDOMNESS),
    ("def f(x):\n    import numpy as np\n    return np.random.rand(x)\n", Effect.RANDOMNESS),
    ("import urllib.request\ndef f(u):\n    return urllib.request.urlopen(u).read()\n", Effect.NETWORK),
    ("import sqlite3\ndef f(p):\n    return sqlite3.connect(p)\n", Effect.DATABASE),
    ("import subprocess\ndef f(c):\n    return subprocess.run(c)\n", Effect.SUBPROCESS),
    ("import os\ndef f():\n    return os.environ['HOME']\n", Effect.ENVIRONMENT),
    ("def f():\n    return int(input())\n", Effect.INPUT),
    ("import random\ndef g():\n    return random.random()\ndef f():\n    return g()\n", Effect.RANDOMNESS),
    ("class A:\n    def g(self):\n        return open('x')\n    def f(self):\n        return self.g()\n", Effect.FILES),
]


@pytest.mark.parametrize(("source", "effect"), RECOGNISED)
def test_effects_are_recognised_through_imports_and_calls(source: str, effect: Effect) -> None:
    """Whatever the import is called, and in whatever function of the buffer it happens."""
    assert kinds(source) == {effect}


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return sorted(x)\n",
        "import random\ndef g():\n    return random.random()\ndef f():\n    return 1\n",
        "def f(open):\n    return open(1)\n",
        "def open(x):\n    return x\ndef f(x):\n    return open(x)\n",
        "import datetime\ndef f(d):\n    return datetime.datetime(2020, 1, 1) - d\n",
        "import random\ndef f(seed):\n    return random.Random(seed).random()\n",
        "import socket\ndef f(a):\n    return socket.inet_pton(socket.AF_INET, socket.inet_aton(a))\n",
        "def f(:",
    ],
)
def test_nothing_is_seen_where_nothing_is(source: str) -> None:
    """Functions that are not reached, names that mean something else, and what is repeatable anyway."""
    assert kinds(source) == set()


def test_what_has_no_stand_in_says_why_it_cannot_be_decided() -> None:
    """In words a user can read."""
    found = effects_of(Program(source="import requests\ndef f(u):\n    return requests.get(u).text\n"), "f")
    assert undecidable(found) == "depends on the network (`requests.get` in `f`), which is not there while it is tested"
    assert prelude_for(found) == ""
    assert undecidable(effects_of(Program(source="def f():\n    return open('a')\n"), "f")) == ""


def test_the_prelude_stands_below_docstring_and_future_imports() -> None:
    """Where they are, a program with it still parses; every other line stays as it is."""
    source = '"""Doc."""\nfrom __future__ import annotations\nimport time\ndef f():\n    return time.time()\n'
    program = with_stand_ins(Program(source=source), effects_of(Program(source=source), "f"))
    lines = program.source.splitlines()
    ast.parse(program.source)
    assert [*lines[:2], *lines[3:]] == source.splitlines()
    assert with_stand_ins(Program(source="x = 1"), ()) == Program(source="x = 1")


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox without its self-test."""
    opened = await open_sandbox(SandboxOptions(jobs=1, checks_itself=False))
    yield opened
    await opened.close()


IMPORTS = "import csv, json, os, random, time, uuid\nfrom datetime import date, datetime\nfrom pathlib import Path\n"
PLAYED = [
    ("return datetime.now().isoformat(), date.today().isoformat()", "('2024-05-17T12:30:45', '2024-05-17')"),
    ("return isinstance(datetime.now(), datetime), datetime(2020, 1, 2).year", "(True, 2020)"),
    ("started = time.time()\n    time.sleep(60)\n    return time.time() - started", "60.0"),
    ("return [random.random(), str(uuid.uuid4())] == [random.random(), str(uuid.uuid4())]", "False"),
    (
        "with open('data.csv') as file:\n        return [row['value'] for row in csv.DictReader(file)]",
        "['1', '2', '3']",
    ),
    ("with open('data.json') as file:\n        return json.load(file)['items']", "[1, 2, 3]"),
    ("Path('a').write_text('hi')\n    return Path('a').read_text(), Path('a').exists()", "('hi', True)"),
    ("with open('a', 'ab') as file:\n        file.write(b'1')\n    return open('a', 'rb').read()", "b'1'"),
    ("os.remove('a')\n    return os.path.exists('a')", "False"),
    ("return open('missing.txt').read()", "FileNotFoundError"),
    ("return [int(input('? ')), input()]", "[3, 'hello']"),
    ("return os.environ['HOME'], os.getcwd()", "('/home/user', '/home/user')"),
    ("import sys\n    return len(sys.argv), sys.argv[1:]", "(1, [])"),
    ("import sys\n    return sys.argv[1]", "IndexError"),
]


async def played(sandbox: JailSandbox, body: str, *, times: int = 2, shows_files: bool = False) -> list[Observation]:
    """What a function with this body gives with stand-ins, called several times in two children."""
    program = Program(source=f"{IMPORTS}def f():\n    {body}\n")
    effects = effects_of(program, "f")
    calls = [with_fresh_world(Call(expression="f()"), effects, shows_files=shows_files)] * times
    seen: list[Observation] = []
    for _ in range(2):
        seen += await sandbox.observe(with_stand_ins(program, effects), calls, Limits(wall_seconds=10))
    return seen


@pytest.mark.slow
async def test_stand_ins_give_every_call_the_same(sandbox: JailSandbox) -> None:
    """In one child and in the next: clock, chance, files, lines, environment."""
    for body, expected in PLAYED:
        seen = await played(sandbox, body)
        shown = {one.raised.type_names[0] if one.raised else repr(_plain(one)) for one in seen}
        assert shown == {expected}, body


@pytest.mark.slow
async def test_what_a_function_wrote_can_be_compared(sandbox: JailSandbox) -> None:
    """The files are shown beside its value, only if there are any."""
    (first, *_) = await played(sandbox, "Path('out.txt').write_text('hi')", shows_files=True)
    assert _plain(first) == [None, ("/home/user/out.txt", b"hi")]
    (silent, *_) = await played(sandbox, "return len(open('in.txt').read())", shows_files=True)
    assert silent.value == 37


@pytest.mark.slow
async def test_a_clock_that_stands_still_keeps_nobody_waiting(sandbox: JailSandbox) -> None:
    """It moves once it was read often enough."""
    seen = await played(sandbox, "end = time.time() + 5\n    while time.time() < end:\n        pass\n    return 'done'")
    assert {one.ending for one in seen} == {Ending.RETURNED}


def _plain(seen: Observation) -> object:
    """Lists and tuples as Python has them."""

    def of(value: object) -> object:
        if isinstance(value, Node):
            items = [of(item) for item in value.items]
            return items if value.kind == "list" else tuple(items)
        return value

    return of(seen.value)
