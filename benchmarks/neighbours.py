"""Measures whether a project's other files in the prompt help with functions that need definitions of another file.

    python -m benchmarks.neighbours [--samples N] [--tokens N] [--skip N] [--take N]

Each task is a small project made for this purpose. One module has definitions whose names tell their purpose but not
their signature. Another module has a function to complete. The same samples (temperatures and seeds) are drawn for
three prompts: without neighbours, with neighbours in the policy's own form for several files, and with neighbours as
code above the document's. The gold tests run in the sandbox. No task is from a data set, and none was left out because
of its result.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Policy, Sandbox
from plum_lsp.domain.suggestion import Context, FimPrompt, FimTemplate, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Ending, Limits
from plum_lsp.evaluation.tasks import run_gold
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.models.families import template_for
from plum_lsp.project.around.modules import NeighbourFiles
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.prompt import build_prompt
from plum_lsp.suggestion.survey import Budget, survey
from plum_lsp.verification.options import sandbox_options
from plum_lsp.wiring import load_for_command

VARIANTS = ("without", "as files", "as code")
SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A project of two modules. `document` ends at the cursor. It imports from `helpers`, the module `lib.helpers`."""

    helpers: str
    document: str
    tests: str


TASKS = (
    Task(
        helpers='''
class Money:
    """An amount in minor units."""

    def __init__(self, minor, code="EUR"):
        self.minor = minor
        self.code = code

    def plus(self, other):
        """The sum; both must have one code."""
        return Money(self.minor + other.minor, self.code)
''',
        document='''from lib.helpers import Money


def add_all(amounts: list[Money]) -> Money:
    """The sum of all amounts, zero euros for none."""
''',
        tests="assert add_all([Money(3), Money(4)]).minor == 7\nassert add_all([]).minor == 0",
    ),
    Task(
        helpers='''
def normalise(raw, *, keep_case=False):
    """Collapse white space; lower case unless asked otherwise."""
    text = " ".join(raw.split())
    return text if keep_case else text.lower()
''',
        document='''from lib.helpers import normalise


def same_name(a: str, b: str) -> bool:
    """Whether two names are equal up to white space, with case mattering. Uses normalise."""
''',
        tests='assert same_name("A  b", " A b ")\nassert not same_name("a b", "A b")',
    ),
    Task(
        helpers="""
from dataclasses import dataclass

@dataclass
class Reading:
    sensor_id: str
    celsius: float
    taken_at: int
""",
        document='''from lib.helpers import Reading


def hottest(readings: list[Reading]) -> str:
    """The sensor with the highest temperature."""
''',
        tests='assert hottest([Reading("a", 1.0, 5), Reading("b", 9.0, 1)]) == "b"',
    ),
    Task(
        helpers='''
class Stack:
    def __init__(self):
        self._items = []

    def put(self, item):
        self._items.append(item)

    def take(self):
        """The last item put; None if there is none."""
        return self._items.pop() if self._items else None

    def is_bare(self):
        return not self._items
''',
        document='''from lib.helpers import Stack


def reversed_words(text: str) -> str:
    """The words of text in reverse order, by means of a Stack."""
''',
        tests='assert reversed_words("a b c") == "c b a"\nassert reversed_words("") == ""',
    ),
    Task(
        helpers='''
def split_range(spec):
    """`"3-5"` as (3, 5); a single number twice."""
    low, _, high = spec.partition("-")
    return int(low), int(high or low)
''',
        document='''from lib.helpers import split_range


def expand(spec: str) -> list[int]:
    """All numbers of a range such as "3-5", both ends included."""
''',
        tests='assert expand("3-5") == [3, 4, 5]\nassert expand("7") == [7]',
    ),
    Task(
        helpers='''
class Account:
    def __init__(self, owner, cents=0):
        self.owner = owner
        self.cents = cents

    def book(self, cents, note=""):
        """Add cents, which may be negative."""
        self.cents += cents
''',
        document='''from lib.helpers import Account


def transfer(source: Account, target: Account, cents: int) -> None:
    """Move cents from source to target; ValueError if source has too few."""
''',
        tests="""a, b = Account("a", 10), Account("b")
transfer(a, b, 4)
assert (a.cents, b.cents) == (6, 4)
try:
    transfer(a, b, 100)
except ValueError:
    pass
else:
    assert False
assert a.cents == 6""",
    ),
    Task(
        helpers='''
def read_pairs(text, separator="="):
    """The pairs of a text, one a line, as a list of (key, value)."""
    return [tuple(line.split(separator, 1)) for line in text.splitlines() if separator in line]
''',
        document='''from lib.helpers import read_pairs


def headers(text: str) -> dict[str, str]:
    """The headers of a text with one "name: value" a line; names in lower case, both stripped."""
''',
        tests='assert headers("A: 1\\nB-c : x:y") == {"a": "1", "b-c": "x:y"}',
    ),
    Task(
        helpers="""
from enum import Enum

class Light(Enum):
    STOP = "r"
    WAIT = "y"
    DRIVE = "g"
""",
        document='''from lib.helpers import Light


def after(light: Light) -> Light:
    """The light that follows: green, yellow, red, green."""
''',
        tests="assert after(Light.STOP) is Light.DRIVE\nassert after(Light.WAIT) is Light.STOP\n"
        "assert after(Light.DRIVE) is Light.WAIT",
    ),
    Task(
        helpers='''
class Grid:
    """Cells by column and row."""

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = rows
        self._cells = {}

    def cell(self, column, row):
        """0 if it was never filled."""
        return self._cells.get((column, row), 0)

    def fill(self, column, row, value):
        self._cells[column, row] = value
''',
        document='''from lib.helpers import Grid


def transposed(grid: Grid) -> Grid:
    """A new grid with columns and rows exchanged."""
''',
        tests="""g = Grid(2, 3)
g.fill(1, 2, 9)
t = transposed(g)
assert (t.columns, t.rows, t.cell(2, 1), t.cell(1, 2)) == (3, 2, 9, 0)""",
    ),
    Task(
        helpers="""
LIMITS = {"small": (0, 10), "large": (11, 99)}

def clamp(value, low, high):
    return max(low, min(high, value))
""",
        document='''from lib.helpers import LIMITS, clamp


def fit(value: int, size: str) -> int:
    """The value, clamped to the limits of the size."""
''',
        tests='assert fit(50, "small") == 10\nassert fit(5, "large") == 11\nassert fit(20, "large") == 20',
    ),
    Task(
        helpers="""
class Node:
    def __init__(self, label, children=()):
        self.label = label
        self.children = list(children)
""",
        document='''from lib.helpers import Node


def depth(node: Node) -> int:
    """The number of levels below and including node."""
''',
        tests='assert depth(Node("a")) == 1\nassert depth(Node("a", [Node("b", [Node("c")]), Node("d")])) == 3',
    ),
    Task(
        helpers='''
def chunked(size, items):
    """Lists of `size` items each; the last may be shorter."""
    return [items[at : at + size] for at in range(0, len(items), size)]
''',
        document='''from lib.helpers import chunked


def row_sums(numbers: list[int], width: int) -> list[int]:
    """The sums of consecutive rows of width numbers, by means of chunked."""
''',
        tests="assert row_sums([1, 2, 3, 4, 5], 2) == [3, 7, 5]",
    ),
)


def prompts_of(task: Task, budget: Budget, template: FimTemplate | None) -> tuple[dict[str, FimPrompt], Context]:
    """The prompt of each variant, and the context they share."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pyproject.toml").touch()
        (root / "lib").mkdir()
        (root / "lib" / "helpers.py").write_text(task.helpers)
        document = Document(uri=(root / "main.py").as_uri(), version=1, text=task.document)
        request = SuggestionRequest(
            id=RequestId("r"), document=document, offset=len(task.document), trigger=Trigger.INVOKED, deadline=0.0
        )
        found = survey(request, budget, lambda uri, name, folders: (), NeighbourFiles(exclude=()).near)
    assert found is not None and found.excerpts
    context = found.context
    stop = tuple(one for one in template.stop if one != template.file_mark) if template else ()
    untaught = replace(template, stop=stop) if template else None
    return {
        "without": build_prompt(context, template),
        "as files": build_prompt(context, template, found.excerpts, path=found.path),
        "as code": build_prompt(context, untaught, found.excerpts, path=found.path),
    }, context


async def right_samples(task: Task, variant: str, policy: Policy, sandbox: Sandbox, settings: Settings) -> int:
    """How many samples of a variant pass the gold tests."""
    options = pipeline_options(settings)
    version = await policy.version()
    prompts, context = prompts_of(task, options.budget, template_for(version))
    deadline = asyncio.get_running_loop().time() + SECONDS
    right = 0
    async with aclosing(policy.sample(prompts[variant], options.sampling, deadline=deadline)) as stream:
        async for completion in stream:
            text = make_candidate(completion, context, version).text
            right += await _passes(task, task.document + text, sandbox, options.limits)
    return right


async def _passes(task: Task, finished: str, sandbox: Sandbox, limits: Limits) -> bool:
    """Add the helpers to the program as the module that the document imports."""
    source = (
        "import sys, types\n"
        "for _name in ('lib', 'lib.helpers'):\n    sys.modules[_name] = types.ModuleType(_name)\n"
        f"exec({task.helpers!r}, sys.modules['lib.helpers'].__dict__)\n"
        f"{finished}\nfrom lib.helpers import *"
    )
    seen = await run_gold(source, task.tests, sandbox, limits)
    return seen.ending is Ending.RETURNED and seen.value is True


async def measure(tasks: Sequence[Task], samples: int, tokens: int) -> None:
    """Print each variant's pass rate and its ratio to the one without."""
    settings = load_for_command({"sampling": {"candidates": samples, "neighbour_tokens": tokens}})
    sandbox, policy = await open_sandbox(sandbox_options(settings)), open_policy(policy_options(settings))
    right = dict.fromkeys(VARIANTS, 0)
    solved = dict.fromkeys(VARIANTS, 0)
    try:
        for task in tasks:
            row = {name: await right_samples(task, name, policy, sandbox, settings) for name in VARIANTS}
            for name, count in row.items():
                right[name] += count
                solved[name] += count > 0
            print(task.document.split("def ", 1)[1].split("(")[0], row, flush=True)
    finally:
        await policy.close()
        await sandbox.close()
    for name in VARIANTS:
        share = right[name] / (samples * len(tasks))
        ratio = right[name] / max(1, right["without"])
        print(f"{name:10s} pass@1 {share:.2f} (ratio {ratio:.2f})  pass@{samples} {solved[name] / len(tasks):.2f}")


@click.command()
@click.option("--samples", type=click.IntRange(1), default=3, show_default=True)
@click.option("--tokens", type=click.IntRange(1), default=400, show_default=True)
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out the first tasks.")
@click.option("--take", type=click.IntRange(1), default=len(TASKS), help="At most so many tasks.")
def main(samples: int, tokens: int, skip: int, take: int) -> None:
    """Measure the benefit of neighbours."""
    asyncio.run(measure(TASKS[skip : skip + take], samples, tokens))


if __name__ == "__main__":
    main()
