"""Which calls are made up where nobody wrote an example."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.context.window import read_context
from plum_lsp.domain.text import Document
from plum_lsp.synthesis.examples import examples_of
from plum_lsp.synthesis.inputs import generated_calls


def calls_of(marked: str, *, limit: int = 12) -> list[str]:
    document = Document(uri="file:///a.py", version=1, text=marked.replace("‸", "", 1))
    context = read_context(document, marked.index("‸"), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    calls = generated_calls(context, examples_of(context), limit=limit)
    assert calls == generated_calls(context, examples_of(context), limit=limit)
    return [call.expression for call in calls]


def test_edge_values_come_first() -> None:
    """The first inputs are the empty, zero and single ones."""
    assert calls_of("def f(n: int):\n    ‸\n", limit=3) == ["f(0)", "f(1)", "f(-1)"]
    assert calls_of("def f(items: list[int]):\n    ‸\n", limit=3) == ["f([])", "f([0])", "f([1])"]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", int),
        ("float", float),
        ("bool", bool),
        ("str", str),
        ("bytes", bytes),
        ("List[str]", list),
        ("typing.Sequence[float]", list),
        ("dict[str, list[int]]", dict),
        ("set[int]", set),
        ("tuple[int, str]", tuple),
        ("tuple[int, ...]", tuple),
        ("'list[int]'", list),
        ("list", list),
        ("int | None", int),
        ("Optional[str]", str),
        ("Union[int, str]", int),
        ("Literal['a', 'b']", str),
    ],
)
def test_values_have_the_annotated_type(annotation: str, kind: type) -> None:
    """Each annotation of builtin types gives literals of that type."""
    calls = calls_of(f"def f(x: {annotation}):\n    ‸\n")
    values = [eval(call[2:-1], {}) for call in calls]
    assert len(values) >= 2
    assert any(isinstance(value, kind) for value in values)
    assert all(isinstance(value, (kind, str, type(None))) for value in values)


def test_types_come_from_defaults_and_examples_too() -> None:
    """A parameter without annotation takes the type of its default, or of the arguments that examples give."""
    assert "f(0)" in calls_of("def f(n=5):\n    ‸\n")
    assert "f([])" in calls_of('def f(n):\n    """f([3]) == 2"""\n    ‸\n')


def test_inputs_near_the_examples_come_first() -> None:
    """One argument is changed at a time, keywords stay, and the examples take turns."""
    marked = 'def f(a, b=1):\n    """f([3, 1], b=2) == 2\n    f([5]) == 1\n    """\n    ‸\n'
    assert calls_of(marked, limit=4) == ["f([3], b=2)", "f([])", "f([3, 1], b=3)", "f([6])"]


def test_what_an_example_sets_up_is_kept_and_changed_last() -> None:
    """An object in a certain state is worth more than a new one."""
    marked = (
        "class Bag:\n    def __init__(self, size):\n        self.size = size\n\n    def put(self, n):\n"
        '        """\n        >>> bag = Bag(3)\n        >>> bag.put(2)\n        1\n        """\n        ‸\n'
    )
    document = Document(uri="file:///a.py", version=1, text=marked.replace("‸", "", 1))
    context = read_context(document, marked.index("‸"), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    calls = [(call.setup, call.expression) for call in generated_calls(context, examples_of(context), limit=32)]
    assert calls[0] == ("bag = Bag(3)", "bag.put(3)")
    assert ("bag = Bag(4)", "bag.put(2)") in calls


def test_negative_numbers_are_left_out_where_nobody_means_them() -> None:
    """The docstring says so, or none of several examples is about one."""
    assert "f(-1)" in calls_of('def f(n: int):\n    """f(3) == 1"""\n    ‸\n')
    for docstring in ("Of a positive integer.", "f(3) == 1\n    f(4) == 2\n    "):
        assert not any("-" in call for call in calls_of(f'def f(n: int):\n    """{docstring}"""\n    ‸\n'))


def test_an_example_is_not_made_up_again() -> None:
    """Calls that the examples make already show nothing new."""
    assert "f(0)" not in calls_of('def f(n: int):\n    """f(0) == 2"""\n    ‸\n')


def test_without_a_type_there_are_calls_to_try() -> None:
    """Of several types, likely ones first; a type that nobody can make ends it."""
    assert {"f(0)", "f('')", "f([])"} <= set(calls_of("def f(zzz):\n    ‸\n"))
    assert calls_of("def f(words):\n    ‸\n", limit=2) == ["f([])", "f(0)"]
    assert calls_of("def f(x: int, y: Shop):\n    ‸\n") == []


def test_methods_need_an_object() -> None:
    """A method is called on a new object, a static one on its class, and a property not at all."""
    marked = "class A:\n    {}def m({}n: int):\n        ‸\n"
    assert calls_of(marked.format("", "self, "), limit=1) == ["A().m(0)"]
    assert calls_of(marked.format("@staticmethod\n    ", ""), limit=1) == ["A.m(0)"]
    assert calls_of("class A:\n    @property\n    def m(self):\n        ‸\n") == []
    with_state = (
        "class A:\n    def __init__(self, size):\n        self.size = size\n\n    def m(self, n: int):\n        ‸\n"
    )
    assert calls_of(with_state) == []


def test_keyword_only_parameters_are_named() -> None:
    """Arguments are given the way the signature asks."""
    assert calls_of("def f(a: int, *, b: int = 2):\n    ‸\n", limit=1) == ["f(0, b=0)"]


def test_outside_a_function_there_is_nothing_to_call() -> None:
    """A hole at module level has no inputs."""
    assert calls_of("x = ‸\n") == []


TYPES = st.recursive(
    st.sampled_from(["int", "str", "float", "bool", "None", "bytes"]),
    lambda inner: (
        st.builds("list[{}]".format, inner)
        | st.builds("dict[str, {}]".format, inner)
        | st.builds("tuple[{}, {}]".format, inner, inner)
        | st.builds("{} | {}".format, inner, inner)
    ),
    max_leaves=4,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(TYPES, min_size=1, max_size=3), st.integers(min_value=1, max_value=15))
def test_any_annotation_gives_distinct_calls_that_parse(types: list[str], limit: int) -> None:
    """Never more than asked for, never twice the same, always literals."""
    parameters = ", ".join(f"a{place}: {annotation}" for place, annotation in enumerate(types))
    calls = calls_of(f"def f({parameters}):\n    ‸\n", limit=limit)
    assert len(calls) == len(set(calls)) <= limit
    for call in calls:
        tree = ast.parse(call, mode="eval").body
        assert isinstance(tree, ast.Call) and len(tree.args) == len(types)
