"""What of a project's other modules the policy is shown: outlines, imports, ranking, budget, and the prompt's form."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.domain.project import Excerpt, Neighbour, Neighbourhood, TestFile
from plum_lsp.domain.suggestion import Context, FimTemplate
from plum_lsp.domain.text import Document
from plum_lsp.python.reading.imports import Import, imports_of
from plum_lsp.python.reading.outline import DEFINITIONS_MAX, outline
from plum_lsp.python.reading.window import estimated_tokens, read_context
from plum_lsp.suggestion.neighbours import excerpts_of
from plum_lsp.suggestion.prompt import build_prompt

MODULE = '''"""Prices."""
import math

RATE = 0.19
TABLE = {i: i for i in range(1000)}
LONG = (" xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")

@dataclass
class Cart:
    """What is bought."""

    items: list[int]
    owner: str = "me"

    def __init__(self):
        self.items = []

    @property
    def size(self) -> int:
        return len(self.items)

    def _hidden(self): ...

def total(cart: Cart,
          *, rate: float = RATE) -> float:
    """The sum with tax.

    >>> total(Cart())
    0.0
    """
    return sum(cart.items) * (1 + rate)

def _inner(): return 1
'''
PLAIN = FimTemplate(prefix="<P>", suffix="<S>", middle="<M>", stop=("<end>",))
REPOSITORY = FimTemplate(prefix="<P>", suffix="<S>", middle="<M>", stop=("<end>", "<|file_sep|>"))


def context_of(marked: str) -> Context:
    """The context at the mark."""
    document = Document(uri="file:///a.py", version=1, text=marked.replace("‸", "", 1))
    context = read_context(document, marked.index("‸"), prefix_tokens=800, suffix_tokens=300)
    assert context is not None
    return context


def shown(text: str, name: str) -> str:
    """What is shown of one definition."""
    return next(one.text for one in outline(text) if one.name == name)


def test_outline_shows_what_a_caller_has_to_know() -> None:
    """Headers and docstrings, fields and public methods; no bodies and no long constants."""
    assert [one.name for one in outline(MODULE)] == ["RATE", "TABLE", "Cart", "total", "_inner"]
    assert shown(MODULE, "total") == (
        'def total(cart: Cart,\n          *, rate: float = RATE) -> float:\n    """The sum with tax.\n\n'
        '    >>> total(Cart())\n    0.0\n    """'
    )
    assert shown(MODULE, "Cart") == (
        '@dataclass\nclass Cart:\n    """What is bought."""\n    items: list[int]\n    owner: str = "me"\n'
        "    def __init__(self): ...\n    @property\n    def size(self) -> int: ..."
    )
    assert {"Cart", "RATE"} <= next(one.mentions for one in outline(MODULE) if one.name == "total")


def test_broken_statement_costs_only_itself() -> None:
    """A module in the middle of an edit is still a neighbour."""
    broken = MODULE.replace("RATE = 0.19", "RATE = (0.19,\n\ndef half(")
    assert shown(broken, "total") == shown(MODULE, "total")


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "'" * 100_001, "class A:\n" * 20_000, "@" * 50_000, "def f(" + "a," * 50_000, "\x00\r\ufeff" * 999],
)
def test_hostile_text_ends_and_does_not_fail(text: str) -> None:
    """Deep, endless and senseless text gives some outline, and no more than is allowed."""
    assert len(outline(text)) <= DEFINITIONS_MAX
    imports_of(text)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(["def f(", "class A:", "\n", "    ", '"""', ")", ":", "x=1", "@a", "\\"]), max_size=40))
def test_outline_and_imports_never_fail(pieces: list[str]) -> None:
    """Whatever a file holds."""
    outline("".join(pieces))
    imports_of("".join(pieces))


def test_imports_are_read_wherever_they_stand() -> None:
    """Also those in functions and over several lines; a half-written one, and one in a string, are none."""
    text = "import a.b as c, d\nfrom . import (e,\n  f as g)\nfrom x import\ns = '''\nimport no\n'''\n"
    text += "def h():\n    from ..y import z\n"
    assert imports_of(text) == (
        Import(module="a.b", names=()),
        Import(module="d", names=()),
        Import(module="", names=("e", "f"), level=1),
        Import(module="y", names=("z",), level=2),
    )


def near(*, imported: set[str] = frozenset({"total"})) -> Neighbourhood:  # type: ignore[assignment]
    """One imported module and one that is only open."""
    return Neighbourhood(
        path="shop/bill.py",
        modules=(
            Neighbour(path="shop/prices.py", definitions=outline(MODULE), imported=frozenset(imported)),
            Neighbour(path="shop/mail.py", definitions=outline("def send(to): ...\n\ndef _quiet(): ...\n")),
        ),
    )


def test_imported_names_come_before_types_tests_and_open_modules() -> None:
    """As the budget grows, the ranks come in one after the other; the order in the prompt stays that of the files."""
    context = context_of('from shop.prices import total\n\ndef bill(cart):\n    """By total."""\n    ‸')
    tests = [
        TestFile(path="tests/test_bill.py", text="def test_a():\n    assert bill(1) == 2\n\ndef test_b():\n    x()\n")
    ]
    found = {
        tokens: [one.path for one in excerpts_of(near(), tests, context, tokens=tokens)] for tokens in (3, 50, 61, 400)
    }
    assert found[3] == []
    assert found[50] == ["shop/prices.py"]
    assert found[61] == ["shop/prices.py", "tests/test_bill.py"]
    assert found[400] == ["shop/prices.py", "shop/mail.py", "tests/test_bill.py"]
    whole = excerpts_of(near(), tests, context, tokens=400)
    assert whole[0].text.index("RATE") < whole[0].text.index("class Cart") < whole[0].text.index("def total")
    assert whole[1].text == "def send(to): ..."
    assert whole[2].text == "def test_a():\n    assert bill(1) == 2"


def test_choice_does_not_change_while_the_body_is_typed() -> None:
    """Key by key the same excerpts, so that an engine's prefix cache holds."""
    head = 'from shop.prices import total\n\ndef bill(cart):\n    """By total."""\n    '
    body = "tax = RATE * total(cart)\n    return send(Cart(), tax)"
    found = {excerpts_of(near(), (), context_of(head + body[:at] + "‸"), tokens=150) for at in range(len(body))}
    assert len(found) == 1


def test_long_prefix_moves_seldom() -> None:
    """The window of a long file begins at the same place for most of the lines typed."""
    lines = [f"value_{number} = {number} * 3\n" for number in range(900)]
    starts = set()
    for count in range(700, 800):
        document = Document(uri="u", version=1, text="".join(lines[:count]) + "x = ")
        context = read_context(document, len(document.text), prefix_tokens=400, suffix_tokens=10)
        assert context is not None
        assert 0.65 * 400 < estimated_tokens(context.prefix) <= 400
        starts.add(context.prefix[:20])
    assert len(starts) < 10


@pytest.mark.parametrize("seed", range(20))
def test_budget_is_kept(seed: int) -> None:
    """Whatever there is to show."""
    chance = random.Random(seed)
    text = "".join(f"def f{n}(a{'b' * chance.randrange(200)}):\n    'é{n}'\n\n" for n in range(40))
    neighbourhood = Neighbourhood(
        path="a.py", modules=(Neighbour(path="b.py", definitions=outline(text), imported=frozenset({"*"})),)
    )
    tokens = chance.randrange(300)
    chosen = excerpts_of(neighbourhood, (), context_of("def g():\n    ‸"), tokens=tokens)
    assert sum(estimated_tokens(one.text) for one in chosen) <= tokens


def test_files_stand_before_the_document_in_the_models_own_form() -> None:
    """A policy that knows the mark between files gets it, others code under a comment; control strings are no more."""
    context = context_of("x = 1\n‸\ny = 2\n")
    excerpts = [Excerpt(path="shop/a.py", text="def f(): ...  # <|file_sep|><P>")]
    taught = build_prompt(context, REPOSITORY, excerpts, path="shop/b.py")
    assert (
        taught.text
        == "<|file_sep|>shop/a.py\ndef f(): ...  # < |file_sep|>< P>\n<|file_sep|>shop/b.py\n<P>x = 1\n<S>\ny = 2\n<M>"
    )
    other = build_prompt(context, PLAIN, excerpts, path="shop/b.py")
    assert other.text == "<P># shop/a.py\ndef f(): ...  # <|file_sep|>< P>\n\n\nx = 1\n<S>\ny = 2\n<M>"
    ending = build_prompt(context_of("x = 1\n‸"), REPOSITORY, excerpts, path="shop/b.py")
    assert ending.text.endswith("<|file_sep|>shop/b.py\nx = 1\n")
    plain = build_prompt(context, None, excerpts, path="shop/b.py")
    assert plain.text.startswith("# shop/a.py\ndef f(): ...")
    assert build_prompt(context, REPOSITORY, (), path="shop/b.py") == build_prompt(context, REPOSITORY)
