"""Which objects a method is called on."""

from __future__ import annotations

import ast

import pytest

from plum_lsp.domain.text import Document
from plum_lsp.python.inputs.receivers import RECEIVERS_MAX, class_of, made_with, receivers_of
from plum_lsp.python.reading.sources import reachable_function, surface_of
from plum_lsp.python.reading.window import read_context

BAG = (
    "class Bag:\n    def __init__(self, size):\n        self.size = size\n        self.items = []\n\n"
    "    def size_of(self, n):\n        return n\n\n"
    "    def add(self, n):\n        self.items.append(n)\n\n"
    "    def total(self):\n        ‸\n"
)


def ones(argument: ast.arg, default: ast.expr | None) -> list[str]:
    """Three values for any parameter but one that is called `unknown`."""
    return [] if argument.arg == "unknown" else ["1", "2", "3"]


def setups(marked: str) -> list[str]:
    """The statements that make the objects of the method at the mark."""
    document = Document(uri="file:///a.py", version=1, text=marked.replace("‸", ""))
    context = read_context(document, marked.index("‸"), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    function = reachable_function(context)
    assert function is not None
    found = receivers_of(context, surface_of(context, function), ones)
    assert {one.name for one in found} <= {"it"}
    return [one.setup for one in found]


def made(setup: str, marked: str) -> object:
    """The object that the statements make."""
    namespace: dict[str, object] = {}
    exec(marked.replace("‸", "pass") + setup, namespace)
    return namespace["it"]


def body_of(source: str) -> ast.ClassDef:
    found = class_of(source, "A")
    assert found is not None
    return found


def test_objects_are_made_new_and_in_states() -> None:
    """A method that adds up what was put in tells nothing on an empty object."""
    objects = [vars(made(setup, BAG)) for setup in setups(BAG)]
    assert {"size": 1, "items": []} in objects
    assert any(found["items"] for found in objects)
    assert len({str(found["size"]) for found in objects}) > 1


def test_methods_that_promise_a_new_state_come_first() -> None:
    """`add` before `size_of`, whichever stands first in the class."""
    staged = next(setup for setup in setups(BAG) if "try" in setup)
    assert staged.index("it.add") < staged.index("it.size_of")


def test_a_step_that_fails_is_passed_over() -> None:
    """An object is still an object when a made-up call of another method raises."""
    marked = "class A:\n    def add(self, n):\n        raise KeyError(n)\n\n    def m(self):\n        ‸\n"
    found = setups(marked)
    assert any("it.add" in setup for setup in found)
    assert all(type(made(setup, marked)).__name__ == "A" for setup in found)


def test_the_method_itself_and_private_ones_are_no_steps() -> None:
    """Neither are properties and static methods."""
    marked = (
        "class A:\n    def _hidden(self):\n        pass\n\n    @property\n    def size(self):\n        return 1\n\n"
        "    @staticmethod\n    def add(n):\n        pass\n\n    def m(self):\n        ‸\n"
    )
    assert setups(marked) == ["it = A()"]


def test_what_the_docstrings_make_comes_first() -> None:
    """Somebody knew how to make such an object."""
    shown = '        """\n        >>> bag = Bag(30)\n        >>> bag.total()\n        0\n        """\n'
    found = setups(BAG.replace("        ‸", shown + "        ‸"))
    plain = [setup for setup in found if "try" not in setup]
    assert plain[0] == "it = Bag(30)"
    assert "it = Bag(1)" in plain


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("class A:\n    pass\n", [""]),
        ("class A(Base):\n    pass\n", []),
        ("class A:\n    def __init__(self):\n        pass\n", [""]),
        ("class A:\n    def __init__(self, n, m=2):\n        pass\n", ["1", "2", "3"]),
        ("class A:\n    def __init__(self, n, m):\n        pass\n", ["1, 2", "2, 3", "3, 1"]),
        ("class A:\n    def __init__(self, n, unknown):\n        pass\n", []),
        ("@dataclass\nclass A:\n    n: int\n    m: int\n    o: int = 3\n", ["1, 2", "2, 3", "3, 1"]),
    ],
)
def test_constructors_get_what_they_must_have(source: str, rows: list[str]) -> None:
    """Parameters without a default, or the fields of a dataclass; none where some value is not to be had."""
    assert made_with(body_of(source), ones) == rows


def test_keyword_only_parameters_of_a_constructor_are_named() -> None:
    """A constructor that must be given a keyword is given it."""
    source = "class A:\n    def __init__(self, *, size):\n        pass\n"
    assert made_with(body_of(source), ones) == ["size=1", "size=2", "size=3"]


def test_an_object_that_nobody_can_make_is_none() -> None:
    """A base class out of sight, or a parameter of no known type, ends it."""
    assert setups("class A(Base):\n    def m(self):\n        ‸\n") == []
    assert setups("class A:\n    def __init__(self, unknown):\n        pass\n\n    def m(self):\n        ‸\n") == []


def test_an_object_that_the_text_shows_is_made_with_other_values_too() -> None:
    """The largest of one item is also the smallest."""
    marked = (
        "class Queue:\n    '''A queue.\n\n    >>> colors = {'red': 1}\n    >>> queue = Queue(colors)\n    '''\n\n"
        "    def __init__(self, items):\n        self.items = dict(items)\n\n    def largest(self):\n        ‸\n"
    )
    found = setups(marked)
    assert found[0] == "it = Queue({'red': 1})"
    assert any(setup.startswith("it = Queue({'red': 2") for setup in found)


def test_a_function_has_no_receivers() -> None:
    """It is called by its name."""
    assert setups("def f(n):\n    ‸\n") == []


def test_there_are_few_objects() -> None:
    """Many methods and values do not make many objects, and none is made twice."""
    others = "".join(f"    def add{place}(self, n):\n        pass\n\n" for place in range(12))
    found = setups(BAG.replace("    def total", f"{others}    def total"))
    assert len(found) == len(set(found)) <= RECEIVERS_MAX


def test_a_class_is_read_where_it_stands() -> None:
    """Within another one too; a class that is not there, or does not parse, is none."""
    inner = class_of("class Outer:\n    class A:\n        def m(self):\n            return 1\n\n    x = 1\n", "A")
    assert inner is not None
    assert [getattr(item, "name", "") for item in inner.body] == ["m"]
    assert class_of("class B:\n    pass\n", "A") is None
    assert class_of("class A:\n    def m(self:\n        pass\n", "A") is None


def test_an_object_of_an_example_has_the_values_that_the_example_names() -> None:
    """Another name of the session would be undefined there. Names of the program stay."""
    queue = (
        'LIMIT = 9\n\n\nclass Queue:\n    """Rows.\n\n    >>> red = 1\n    >>> colors = {"red": red}\n'
        "    >>> queue = Queue(colors, LIMIT)\n    >>> other = Queue(elsewhere, 1)\n"
        '    """\n\n    def __init__(self, items, unknown):\n        self.items = dict(items)\n\n'
        "    def largest(self):\n        ‸\n"
    )
    assert setups(queue)[0].split("\n")[0] == "it = Queue({'red': 1}, LIMIT)"
    assert not any("elsewhere" in setup for setup in setups(queue))
