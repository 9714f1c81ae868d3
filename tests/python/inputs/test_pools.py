"""Which values are made for a type."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.python.inputs.pools import Pools, imports_for, interleaved, type_of


def annotation(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def values(source: str, pools: Pools | None = None) -> list[str]:
    return (pools or Pools()).of(annotation(source))


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("int", ["0", "1", "-1"]),
        ("str", ["''", "'a'"]),
        ("float", ["0.0", "1.0"]),
        ("bool", ["True", "False"]),
        ("None", ["None"]),
        ("list[int]", ["[]", "[0]", "[1]"]),
        ("set[int]", ["set()", "{0}"]),
        ("dict[str, int]", ["{}"]),
        ("int | str", ["0", "''", "1", "'a'"]),
        ("Optional[int]", ["None", "0"]),
        ("Union[int, str]", ["0", "''"]),
        ("Literal['a', 3]", ["'a'", "3"]),
        ("'int'", ["0", "1"]),
        ("typing.List[str]", ["[]", "['']"]),
    ],
)
def test_edge_values_come_first(kind: str, first: list[str]) -> None:
    """Empty, zero and single; the kinds of a union take turns."""
    assert values(kind)[: len(first)] == first


@pytest.mark.parametrize("kind", ["list[int]", "set[str]", "dict[str, int]", "tuple[int, ...]", "tuple[int, str]"])
def test_containers_come_in_several_shapes(kind: str) -> None:
    """Some longer than others where the type leaves it open."""
    found = values(kind)
    assert len(set(found)) > 5
    assert len({len(ast.literal_eval(value)) for value in found if value != "set()"}) > (kind != "tuple[int, str]")


@pytest.mark.parametrize(
    "kind",
    ["Shop", "list[Shop]", "dict[str, Shop]", "tuple[int, Shop]", "list[list[list[list[int]]]]", "'1 if'", "3", "f()"],
)
def test_what_cannot_be_made(kind: str) -> None:
    """Unknown classes, nesting too deep to read, and what is no type."""
    assert values(kind) == []


def test_classes_of_the_buffer_are_made() -> None:
    """By themselves and within containers, and before a builtin type of the same name."""
    pools = Pools(classes={"Shop": ("Shop(1)", "Shop(2)"), "Path": ("Path('here')",)})
    assert values("Shop", pools) == ["Shop(1)", "Shop(2)"]
    assert "[Shop(1)]" in values("list[Shop]", pools)
    assert values("Path", pools) == ["Path('here')"]


def test_words_of_the_buffer_come_after_the_first_edge_values() -> None:
    """What the function is about is tried early, but never instead of the empty and single values."""
    found = values("str", Pools(words={"str": ("'red'", "'blue'")}))
    assert found[:4] == values("str")[:4]
    assert found.index("'red'") < found.index("'blue'") < 8
    assert set(values("str")) < set(found)


def test_words_of_the_buffer_come_early_in_containers() -> None:
    """Containers rarely hold edge values."""
    found = values("list[str]", Pools(words={"str": ("'red'", "'blue'")}))
    assert any("'red'" in value for value in found[:6])


def test_words_of_another_type_do_not_get_in() -> None:
    """A pool holds values of its type only."""
    assert values("int", Pools(words={"str": ("'red'",)})) == values("int")


@pytest.mark.parametrize(
    "kind",
    ["datetime", "date", "time", "timedelta", "Decimal", "Fraction", "Path", "Counter", "deque", "Callable", "object"],
)
def test_values_of_the_standard_library_run_with_their_imports(kind: str) -> None:
    """What a value names is what `imports_for` imports."""
    for value in values(kind):
        namespace: dict[str, object] = {}
        exec(imports_for(value), namespace)
        eval(value, namespace)


def test_only_what_is_named_is_imported() -> None:
    """Nothing for literals, each module once."""
    assert imports_for("[1, 'a']") == ""
    assert imports_for("datetime.date(1, 1, 1), datetime.time(0, 0)") == "import datetime"
    assert imports_for("[decimal.Decimal('0'), collections.deque()]") == "import decimal\nimport collections"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("1", "int"),
        ("True", "bool"),
        ("None", "None"),
        ("[1, 2]", "list[int]"),
        ("[1, 'a']", "list[int | str]"),
        ("[[1], []]", "list[list[int] | list]"),
        ("{'a': [1]}", "dict[str, list[int]]"),
        ("(1, 'a')", "tuple[int, str]"),
        ("()", "tuple"),
        ("[]", "list"),
        ("{}", "dict"),
        ("{1}", "set[int]"),
        ("f(1)", ""),
        ("x", ""),
        ("[", ""),
        ("[[[[1]]]]", ""),
    ],
)
def test_a_literal_tells_its_type(source: str, kind: str) -> None:
    """As an annotation; what is no literal, or too deep, has none."""
    assert type_of(source) == kind


def test_pools_take_turns() -> None:
    """A short one runs out, and the others go on."""
    assert interleaved([["a", "b", "c"], [], ["x"]]) == ["a", "x", "b", "c"]
    assert interleaved([]) == []


LITERALS = st.recursive(
    st.integers() | st.text(max_size=4) | st.booleans() | st.none() | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2) | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(LITERALS)
def test_values_of_a_literals_type_are_like_it(value: object) -> None:
    """Whatever type is told of a literal, its pool holds literals, and some of the literal's own class."""
    kind = type_of(repr(value))
    found = values(kind) if kind else []
    assert all(type_of(one) for one in found if one != "set()")
    assert not found or any(type(ast.literal_eval(one)) is type(value) for one in found if one != "set()")
