"""The kind of place is read from the code around the cursor, and text for people is told from code."""

from __future__ import annotations

import pytest

from plum_lsp.domain.place import Place
from plum_lsp.domain.text import Document
from plum_lsp.python.reading.window import read_context

CODE = {
    "x = len(items).‸": Place.REST,
    "LIMIT = ‸": Place.REST,
    "def f(a):\n    return (a + 1) * ‸": Place.REST,
    "def f(a):\n    if a ‸": Place.REST,
    "print(‸": Place.ARGUMENT,
    "print(1, (2, 3), ‸)": Place.ARGUMENT,
    "make()(‸": Place.ARGUMENT,
    "rows = [1, 2, ‸]": Place.LITERAL,
    "colors = {\n    'red': 1,\n    ‸\n}\n": Place.LITERAL,
    "def f(a):\n    return (‸": Place.LITERAL,
    "print('(', [‸": Place.LITERAL,
    "import js‸": Place.IMPORT,
    "from pathlib import ‸": Place.IMPORT,
    "importer = ‸": Place.REST,
    "@‸\ndef f(): ...\n": Place.DECORATOR,
    "@cache(‸)\ndef f(): ...\n": Place.ARGUMENT,
    "def f(a):\n    ‸": Place.BODY,
    "def f(a):\n    b = a\n    ‸\n    return b\n": Place.BLOCK,
    "def f(a):\n    for b in a:\n        ‸": Place.BLOCK,
    "def test_f():\n    ‸": Place.TEST,
    "class A:\n    ‸": Place.CLASS,
    "class A:\n    def f(self):\n        ‸": Place.BODY,
    "x = 1\n\n\n‸": Place.MODULE,
}
TEXT = {
    "x = 1  # the first ‸": (Place.COMMENT, ""),
    "def f():\n    # the sum ‸\n    return 1\n": (Place.COMMENT, ""),
    'def f():\n    """The sum ‸': (Place.DOCSTRING, '"""'),
    'def f():\n    """The sum ‸"""\n': (Place.DOCSTRING, '"""'),
    "def f():\n    r'''The sum.\n\n    It is ‸\n    '''\n": (Place.DOCSTRING, "'''"),
}
NEITHER = [
    "#‸",
    "# the ‸ sum",
    "x = 'a text ‸'",
    'x = """a text ‸"""',
    'def f():\n    """The ‸ sum."""\n',
    'def f(a):\n    """\n    >>> f(3)‸\n    """\n',
    'def f(a):\n    """\n    >>> f(3)\n    4‸\n    """\n',
    'def f(a):\n    """\n    ‸\n    """\n',
]


def _read(marked: str, *, has_prose: bool = True) -> tuple[Place, str] | None:
    document = Document(uri="file:///a.py", version=0, text=marked.replace("‸", ""))
    found = read_context(document, marked.index("‸"), prefix_tokens=500, suffix_tokens=100, has_prose=has_prose)
    return (found.place, found.quote) if found is not None else None


@pytest.mark.parametrize("marked", CODE)
def test_the_kind_of_place_in_code(marked: str) -> None:
    """Each place in code has its kind."""
    assert _read(marked) == (CODE[marked], "")


@pytest.mark.parametrize("marked", TEXT)
def test_the_end_of_a_line_of_text_is_a_place(marked: str) -> None:
    """A comment or a docstring can be continued at the end of its line, by those who ask for text."""
    assert _read(marked) == TEXT[marked]
    assert _read(marked, has_prose=False) is None


@pytest.mark.parametrize("marked", NEITHER)
def test_other_places_in_text_are_left_alone(marked: str) -> None:
    """Not in the middle of a line, not in a string, not in an interpreter session, and not without a beginning."""
    assert _read(marked) is None


def test_the_budget_follows_the_place() -> None:
    """The text around a short place is cut to its own budget."""
    text = "".join(f"value_{number} = {number}\n" for number in range(200)) + "last = "
    document = Document(uri="file:///a.py", version=0, text=text)
    asked: list[Place] = []

    def tokens_at(place: Place) -> tuple[int, int]:
        asked.append(place)
        return 40, 0

    found = read_context(document, len(text), prefix_tokens=5000, suffix_tokens=100, tokens_at=tokens_at)
    assert found is not None
    assert asked == [Place.REST]
    assert len(found.prefix) <= 40 * 3.2
    assert found.prefix.endswith("last = ")
