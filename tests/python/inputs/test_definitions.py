"""What is called where the hole stands outside any function: what the candidates themselves define."""

from __future__ import annotations

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.python.inputs.calls import far_fetched, further_calls, generated_calls
from plum_lsp.python.inputs.definitions import filled, is_outside, variables
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of

TOP = '"""Tools."""\n\n'
DOUBLE = "def double(x: int) -> int:\n    return x * 2"
STACK = (
    "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, item):\n"
    "        self.items.append(item)\n    def pop(self):\n        return self.items.pop()"
)


def context_of(text: str) -> Context:
    document = Document(uri="file:///a.py", version=1, text=text.replace("‸", ""))
    place = text.index("‸") if "‸" in text else len(text)
    context = read_context(document, place, prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


def calls_for(*candidates: str, top: str = TOP) -> list[tuple[str, str]]:
    found = further_calls(context_of(top), (), (), candidates, limit=24)
    return [(call.setup, call.expression) for call in found]


def test_a_hole_inside_a_function_names_what_to_call() -> None:
    """Only outside of any function are the candidates asked."""
    assert is_outside(context_of(TOP))
    assert not is_outside(context_of("def f():\n    ‸\n"))


def test_what_most_candidates_define_is_called() -> None:
    """A helper of one candidate is its own business, and so is what begins with an underscore."""
    expressions = [expression for _, expression in calls_for(DOUBLE, f"{DOUBLE}\n\ndef own():\n    return 1", DOUBLE)]
    assert "double(0)" in expressions
    assert all(expression.startswith("double(") for expression in expressions)
    assert filled(context_of(TOP), ["def _hidden():\n    return 1"]) == []


def test_methods_are_called_on_objects_with_a_past() -> None:
    """A stack that nobody pushed anything on shows nothing of what it pops."""
    pops = [setup for setup, expression in calls_for(STACK, STACK) if ".pop(" in expression]
    assert any(setup.count("it.push(") >= 2 for setup in pops)


def test_variables_are_compared_by_name() -> None:
    """Statements leave values behind: those that most candidates bind, functions and imports left out."""
    texts = ["import math\ntotal = 1\nrest = 2", "total = 1\nrest = 3\ndef f(): pass", "total = 2\nrest = 1\n_x = 1"]
    assert [call.expression for call in variables(context_of(TOP), texts)] == ["[rest, total]"]
    assert variables(context_of(TOP), ["def f(): pass"]) == ()


CLASS = (
    'class Stack:\n    """Numbers.\n\n    >>> s = Stack()\n    >>> s.push(2)\n    >>> s.pop()\n    2\n    """\n    ‸'
)
METHODS = STACK.partition("\n    ")[2] + "\n"


def test_a_class_is_asked_for_its_methods() -> None:
    """They are called on objects with a past; what candidates call their attributes is their own business."""
    calls = further_calls(context_of(CLASS), (), (), [METHODS, METHODS.replace("items", "held")], limit=40)
    assert {"it.pop()"} < {call.expression for call in calls}
    assert any("it.push(" in call.setup for call in calls)
    assert not any("__dict__" in call.expression for call in calls)


def test_a_class_is_tested_by_its_docstring() -> None:
    """The session in it is a specification; a class whose first method is written is not a class to be filled."""
    (test,) = examples_of(context_of(CLASS))
    assert (test.call.expression, test.call.setup.splitlines()) == ("s.pop()", ["s = Stack()", "s.push(2)"])
    assert examples_of(context_of("x = 1\n‸")) == ()


def test_broken_candidates_define_nothing() -> None:
    """A text that does not parse is passed over."""
    assert calls_for("def double(", "class") == []


def test_what_nobody_speaks_of_is_far_fetched() -> None:
    """A text where a list is meant shows nothing but how candidates go wrong; without a word, nothing is."""
    spoken = context_of('def f(items):\n    """Sort the list."""\n    ‸\n')
    calls = generated_calls(spoken, (), limit=40)
    strange = {calls[place].expression for place in far_fetched(spoken, calls)}
    assert strange
    assert all(not expression.startswith("f([") for expression in strange)
    silent = context_of("def f(zzz):\n    ‸\n")
    assert far_fetched(silent, generated_calls(silent, (), limit=40)) == frozenset()
