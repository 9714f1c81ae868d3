"""Which calls are made up where nobody wrote an example."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import marked_context

from plum_lsp.domain.verification import Call
from plum_lsp.python.inputs.calls import further_calls, generated_calls
from plum_lsp.python.specification.examples import examples_of


def whole_calls_of(marked: str, *, limit: int = 12) -> list[Call]:
    context = marked_context(marked)
    calls = generated_calls(context, examples_of(context), limit=limit)
    assert calls == generated_calls(context, examples_of(context), limit=limit)
    return list(calls)


def calls_of(marked: str, *, limit: int = 12) -> list[str]:
    return [call.expression for call in whole_calls_of(marked, limit=limit)]


def further_calls_of(
    marked: str, answered: Sequence[str], candidates: Sequence[str] = (), *, limit: int = 12, changes: bool = False
) -> list[Call]:
    """The second round where the first was the calls that were answered and no others."""
    first = [Call(expression=expression) for expression in answered]
    context = marked_context(marked)
    return list(further_calls(context, first, first, candidates, limit=limit, changes_arguments=changes))


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
    assert calls_of(marked, limit=8)[:4] == ["f([3], b=2)", "f([])", "f([3, 1], b=3)", "f([6])"]


def test_half_of_the_inputs_are_made_up() -> None:
    """Examples show what is usual, and seldom the edges; where nothing can be made up they give all inputs."""
    marked = 'def f(text: {}):\n    """f("Some words") == 2"""\n    ‸\n'
    mixed = calls_of(marked.format("str"), limit=6)
    assert mixed[3:] == ["f('')", "f('a')", "f('abc')"]
    assert all("ome" in call or "emo" in call for call in mixed[:3])
    assert len(calls_of(marked.format("Shop"), limit=6)) == 6


def test_big_numbers_come_last() -> None:
    """One of them may take for ever, and what comes after it is lost."""
    calls = calls_of('def f(n: int):\n    """f(20000) == 1"""\n    ‸\n', limit=30)
    is_big = [abs(ast.literal_eval(call[2:-1])) >= 1000 for call in calls]
    assert True in is_big
    assert is_big == sorted(is_big)


def test_inputs_keep_to_the_bounds_that_are_stated() -> None:
    """A right candidate may do with others what it likes."""
    calls = calls_of('def f(n: int):\n    """Of 2 <= n <= 10. f(9) == 1"""\n    ‸\n', limit=30)
    assert calls
    assert all(2 <= ast.literal_eval(call[2:-1]) <= 10 for call in calls)


@pytest.mark.parametrize(("words", "is_meant"), [("Between lo and hi.", False), ("Raises if lo > hi.", True)])
def test_the_ends_of_a_range_are_the_wrong_way_round_only_where_that_is_meant(words: str, is_meant: bool) -> None:
    """Right candidates differ there, and would be taken for one another's rivals."""
    head = f'def clamp(x: int, lo: int, hi: int) -> int:\n    """{words}"""\n    ‸'
    calls = [*calls_of(head, limit=40), *(one.expression for one in further_calls_of(head, ["clamp(1, 2, 3)"]))]
    given = [[ast.literal_eval(value) for value in _arguments(call)] for call in calls if call.startswith("clamp")]
    assert len(given) > 40
    assert any(lo > hi for _, lo, hi in given) is is_meant


def test_lists_are_in_order_where_the_function_is_given_such() -> None:
    """A search in a sorted list is asked nothing about others."""
    head = 'def find_in_sorted(items, x):\n    """\n    >>> find_in_sorted([3, 4, 6], 6)\n    2\n    """\n    ‸'
    answered = ["find_in_sorted([3, 4, 6], 5)", "find_in_sorted([1, 2], 2)"]
    calls = [*calls_of(head, limit=40), *(one.expression for one in further_calls_of(head, answered, limit=40))]
    lists = [ast.literal_eval(_arguments(call)[0]) for call in calls if call.startswith("find")]
    given = [one for one in lists if isinstance(one, list)]
    assert len(given) > 20
    assert all(one == sorted(one) for one in given)


def _arguments(call: str) -> list[ast.expr]:
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    return tree.args


def test_what_the_buffer_is_about_is_tried() -> None:
    """A function that looks colours up answers to nothing else."""
    calls = calls_of("TABLE = {'red': 1}\n\ndef f(name: str):\n    ‸\n")
    assert "f('red')" in calls


def test_what_an_example_sets_up_is_kept_and_changed_last() -> None:
    """An object in a certain state is worth more than a new one."""
    marked = (
        "class Bag:\n    def __init__(self, size):\n        self.size = size\n\n    def put(self, n):\n"
        '        """\n        >>> bag = Bag(3)\n        >>> bag.put(2)\n        1\n        """\n        ‸\n'
    )
    calls = [(call.setup, call.expression) for call in whole_calls_of(marked, limit=32)]
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
    """Values of several types; an annotation that nobody can read ends it."""
    assert {"f(0)", "f('')", "f([])"} <= set(calls_of("def f(zzz):\n    ‸\n", limit=40))
    assert calls_of("def f(x: int, y: Shop):\n    ‸\n") == []


def test_of_each_guessed_type_a_typical_value_comes_first() -> None:
    """An empty list would pass for a list of anything, and with it a wrong guess."""
    values = [ast.literal_eval(call[2:-1]) for call in calls_of("def f(zzz):\n    ‸\n", limit=8)]
    assert all(values)
    assert len({str(type(value)) for value in values}) > 4
    spoken = ast.literal_eval(calls_of("def f(words):\n    ‸\n", limit=1)[0][2:-1])
    assert spoken and all(isinstance(word, str) for word in spoken)


def test_a_method_is_called_on_an_object() -> None:
    """Its attributes are shown beside the result; a static method is called on its class."""
    marked = "class A:\n    {}def m({}n: int):\n        ‸\n"
    (call,) = whole_calls_of(marked.format("", "self, "), limit=1)
    assert (call.setup, call.expression) == ("it = A()", "[it.m(0), it.__dict__]")
    (call,) = whole_calls_of(marked.format("@staticmethod\n    ", ""), limit=1)
    assert (call.setup, call.expression) == ("", "A.m(0)")


def test_a_property_is_read() -> None:
    """It takes no call; neither is a coroutine put into a list, where nobody would wait for it."""
    (call,) = whole_calls_of("class A:\n    @property\n    def m(self):\n        ‸\n")
    assert (call.setup, call.expression) == ("it = A()", "it.m")
    (call,) = whole_calls_of("class A:\n    async def m(self, n: int):\n        ‸\n", limit=1)
    assert (call.setup, call.expression) == ("it = A()", "it.m(0)")


def test_setters_fixtures_and_special_methods_are_not_called() -> None:
    """Nobody calls them by name."""
    assert calls_of("class A:\n    @m.setter\n    def m(self, n: int):\n        ‸\n") == []
    assert calls_of("@pytest.fixture\ndef f():\n    ‸\n") == []
    assert calls_of("class A:\n    def __add__(self, n: int):\n        ‸\n") == []


def test_objects_are_made_with_what_they_need() -> None:
    """Several of them; none where a value for the constructor is not to be had."""
    marked = (
        "class A:\n    def __init__(self, size{}):\n        self.size = size\n\n    def m(self, n: int):\n        ‸\n"
    )
    assert len({call.setup for call in whole_calls_of(marked.format(": int"))}) > 2
    assert calls_of(marked.format(": Shop")) == []


def test_objects_of_the_buffers_classes_are_made() -> None:
    """With their constructors, and an enum by its members."""
    shop = "class Shop:\n    def __init__(self, size: int):\n        self.size = size\n\n"
    assert calls_of(shop + "def f(shop: Shop):\n    ‸\n", limit=2) == ["f(Shop(0))", "f(Shop(1))"]
    colour = "class Colour(Enum):\n    RED = 1\n    BLUE = 2\n\n"
    assert calls_of(colour + "def f(colour: Colour):\n    ‸\n") == ["f(Colour.RED)", "f(Colour.BLUE)"]


def test_what_a_value_names_is_imported() -> None:
    """A date is made with the module that makes it."""
    call = whole_calls_of("def f(day: date):\n    ‸\n")[0]
    assert call.expression.startswith("f(datetime.date(")
    assert call.setup == "import datetime"


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


def test_further_inputs_need_some_that_were_answered() -> None:
    """Where every candidate raises nobody knows what to try."""
    assert further_calls_of("def f(n: int):\n    ‸\n", []) == []
    assert further_calls_of("x = ‸\n", ["f(1)"]) == []


def test_further_inputs_have_the_types_of_those_that_were_answered() -> None:
    """Without an annotation the candidates show best what a function takes."""
    calls = further_calls_of("def f(x, y=None):\n    ‸\n", ["f([3, 1], 'a')"], limit=30)
    arguments = [ast.literal_eval(call.expression[1:]) for call in calls]
    assert len(arguments) > 15
    for x, y in arguments:
        assert isinstance(y, str) and isinstance(x, list) and all(isinstance(item, int) for item in x)


def test_further_inputs_hold_what_the_candidates_name() -> None:
    """A limit that a candidate knows shows itself beside it."""
    calls = further_calls_of("def f(n: int):\n    ‸\n", ["f(1)"], ["return n > 1990\n", "return n >= 1990\n"], limit=30)
    assert {"f(1989)", "f(1990)", "f(1991)"} <= {call.expression for call in calls}


def test_further_inputs_lie_near_those_that_were_answered() -> None:
    """Made-up ones and neighbours take turns."""
    calls = [call.expression for call in further_calls_of("def f(n: int):\n    ‸\n", ["f(50)"], limit=8)]
    assert {"f(0)", "f(51)", "f(1)", "f(49)"} <= set(calls)


def test_what_becomes_of_arguments_is_shown() -> None:
    """A function that gives nothing back may still do something to what it is given."""
    calls = further_calls_of("def f(xs: list[int], n: int):\n    ‸\n", ["f([2, 1], 3)"], changes=True)
    assert calls[0] == Call(expression="[f(given0, given1), given0, given1]", setup="given0 = [2, 1]\ngiven1 = 3")
    assert {call.expression for call in calls} == {calls[0].expression}
    assert len({call.setup for call in calls}) == len(calls) > 5


def test_arguments_of_methods_are_not_shown() -> None:
    """Their objects are, by their attributes."""
    marked = "class A:\n    def m(self, n: int):\n        ‸\n"
    first = whole_calls_of(marked)
    assert further_calls(marked_context(marked), first, first, (), limit=9, changes_arguments=True) == ()


def test_big_arguments_come_last_too() -> None:
    """Whether arguments are shown or not, what comes after one that takes for ever is lost."""
    calls = further_calls_of("def f(n: int):\n    ‸\n", ["f(20000)", "f(3)"], limit=16, changes=True)
    is_big = [int(call.setup.removeprefix("given0 = ")) >= 1000 for call in calls]
    assert is_big == sorted(is_big)


@settings(max_examples=25, deadline=None)
@given(TYPES, st.integers(0, 15), st.integers(0, 15), st.booleans())
def test_further_inputs_are_never_known_ones(kind: str, first: int, limit: int, changes: bool) -> None:
    """Never more than asked for, none twice, and none of the first round."""
    context = marked_context(f"def f(x: {kind}):\n    ‸\n")
    made = generated_calls(context, (), limit=first)
    more = further_calls(context, made, made[: first // 2], ["return 77\n"], limit=limit, changes_arguments=changes)
    assert len(more) == len(set(more)) <= limit
    assert not set(more) & set(made)


def test_calls_are_not_those_of_an_earlier_state_of_the_file():
    """Remembered calls end with a change of what they are made from."""
    plain = "def halve(number: int):\n    "
    first = calls_of(f"{plain}‸")
    assert calls_of(f"{plain}half = number\n    ‸") == first
    assert "halve(4711)" not in first
    assert "halve(4711)" in calls_of(f"{plain}LIMIT = 4711\n    ‸")
    assert calls_of("def halve(text: str):\n    ‸") != first


def test_the_object_of_a_method_follows_its_class():
    """A constructor with one more parameter makes other objects."""
    before = (
        "class Jar:\n    def __init__(self, size: int):\n        self.size = size\n\n    def half(self):\n        ‸"
    )
    after = before.replace("size: int", "name: str, size: int")
    assert whole_calls_of(before) != whole_calls_of(after)
