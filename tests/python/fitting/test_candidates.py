"""A completion becomes a candidate: placed, trimmed, parsed, fingerprinted, and read for problems."""

from __future__ import annotations

import ast
import sys
import warnings
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.contexts import completion_of, context_at

from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import Candidate, Finish, HoleKind, PolicyVersion
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.newer import newer_syntax

VERSION = PolicyVersion(number=0, model="m", model_sha256="")
BODY = 'def add(a, b):\n    """Add."""\n    ‸\n\n\ndef later():\n    return add(1, 2)\n'
BLOCK = "def f(xs):\n    total = 0\n    ‸\n    return total\n"


def _make(document: str, text: str, **block: object) -> Candidate:
    context = context_at(document, **block)  # type: ignore[arg-type]
    return make_candidate(completion_of(text), context, VERSION)


@pytest.mark.parametrize(
    ("document", "completion", "text"),
    [
        (BODY, "    return a + b\n\n\nprint(add(1, 2))", "return a + b"),
        (BODY, "return a + b\n", "return a + b"),
        (BODY, "\n    return a + b\n", "return a + b"),
        (BODY, "    c = a + b\n    return c\n", "c = a + b\n    return c"),
        (BODY, "    return a + b\r\n", "return a + b"),
        (BODY.replace("    ‸", "‸"), "    return a + b\n", "    return a + b"),
        (BODY.replace("    ‸", "‸"), "return a + b\n", "    return a + b"),
        (BODY.replace("    ‸", "  ‸"), "    return a + b\n", "  return a + b"),
    ],
)
def test_indentation_is_restored_at_the_cursor(document: str, completion: str, text: str) -> None:
    """The text goes in right after what the line has already, whatever the policy wrote of it."""
    candidate = _make(document, completion)
    assert (candidate.text, candidate.problem) == (text, "")


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("    for x in xs:\n        total += x\n    return total\n", "for x in xs:\n        total += x"),
        ("    total = sum(xs)\n\n    return total\n", "total = sum(xs)"),
        ("    return total\n", ""),
        ("    if xs:\n        return total\n", "if xs:\n        return total"),
    ],
)
def test_lines_that_follow_anyway_are_taken_off(completion: str, text: str) -> None:
    """A completion that runs on into the suffix does not repeat it."""
    assert _make(BLOCK, completion, kind=HoleKind.BLOCK).text == text


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("    for x in xs:\n        total += x\n", "    for x in xs:\n        total += x\n"),
        ("    total = sum(xs)", "    total = sum(xs)\n"),
        ("total = sum(xs)\n", "    total = sum(xs)\n"),
        ("    total = sum(xs)\n    return total\n\n\nprint(1)\n", "    total = sum(xs)\n"),
    ],
)
def test_whole_lines_go_in_front_of_a_line(completion: str, text: str) -> None:
    """With the cursor at the margin of a line that is there, the lines written end before it and do not repeat it."""
    document = "def f(xs):\n    total = 0\n‸    return total\n"
    candidate = _make(document, completion, kind=HoleKind.LINE)
    assert (candidate.text, candidate.problem) == (text, "")


@pytest.mark.parametrize(
    ("document", "completion", "text"),
    [
        ("x = max(‸)\n", "1, 2)", "1, 2"),
        ("x = max(‸)\n", "1, 2", "1, 2"),
        ("x = [‸, 3]\n", "1, 2, 3]", "1, 2"),
        ("def f(‸):\n    pass\n", "a, b):\n", "a, b"),
        ("x = max(1, 2‸\n", "))", ")"),
        ("x = '‸'\n", "it'", "it"),
        ("x = (1 +‸) * 2\n", " 2", " 2"),
        ("x = ‸\n", " 1\n", "1"),
        ("x = 1 if ‸ else 2\n", "True ", "True "),
        ("if 1‸:\n    x = 1\nelse:\n    x = 2\n", " > 0:\n    x = 1\n", " > 0"),
    ],
)
def test_what_the_line_has_already_is_not_repeated(document: str, completion: str, text: str) -> None:
    """In the middle of a line, closing brackets and quotes that are there already are taken off."""
    candidate = _make(document, completion, kind=HoleKind.LINE, indent="")
    assert (candidate.text, candidate.problem) == (text, "")


@pytest.mark.parametrize(
    ("completion", "problem"),
    [
        ("    return (a + b\n", "does not parse: line 1: '(' was never closed"),
        ("    c = a\n    return c +\n", "does not parse: line 2: invalid syntax"),
        ("    pass\n", "empty body"),
        ("    ...\n", "empty body"),
        ('    """Add again."""\n', "empty body"),
        ("    raise NotImplementedError\n", "empty body"),
        ("    raise NotImplementedError('later')\n", "empty body"),
        ("\n\ndef other():\n", "empty completion"),
        ("    return a + c\n", "undefined name: c"),
        ("    total += a\n    return total\n", "undefined name: total"),
        ("    return math.fsum([a, b])\n", "undefined name: math"),
        ("    import math\n    return math.fsum([a, b])\n", ""),
        ("    return later() + a\n", ""),
        ("    return missing + __name__\n", "undefined name: missing"),
    ],
)
def test_problems_are_said(completion: str, problem: str) -> None:
    """What reading a candidate shows is said in its problem."""
    assert _make(BODY, completion).problem == problem


def test_null_bytes_and_endless_nesting_are_problems_not_crashes() -> None:
    """Text that even the parser gives up on is a candidate with a problem."""
    for text in ("    return '\0'\n", "    return " + "(" * 5000 + ")" * 5000):
        assert _make(BODY, text).problem.startswith("does not parse")


def test_names_missing_around_the_candidate_are_not_its_fault() -> None:
    """A name the program uses elsewhere without defining it may be used by the candidate, too."""
    document = "def f(a):\n    ‸\n\n\ndef g():\n    return injected\n"
    assert _make(document, "    return injected + a\n").problem == ""


def test_names_left_out_of_an_excerpt_are_not_undefined() -> None:
    """Where the program is an excerpt, names that the document mentions are given the benefit of the doubt."""
    context = context_at("def f(a):\n    ‸\n", prefix="helper = (\n", is_excerpt=True)
    assert make_candidate(completion_of("    return helper(a)\n"), context, VERSION).problem == ""
    assert make_candidate(completion_of("    return other(a)\n"), context, VERSION).problem == "undefined name: other"


def test_columns_count_bytes_like_the_parser() -> None:
    """Non-ASCII text left of the cursor does not shift where undefined names are looked for."""
    candidate = _make("x = 'ééééé' + ‸ + known\nknown = 1\n", "nope", kind=HoleKind.LINE, indent="")
    assert candidate.problem == "undefined name: nope"


def test_fingerprint_sees_through_layout_comments_and_docstrings() -> None:
    """Candidates that differ only in layout, comments or docstrings are the same; other names are not."""
    same = [
        "    return a + b\n",
        "    # add\n    return (a\n            + b)\n",
        "    return a+b  # sum",
    ]
    prints = {_make(BODY, text).fingerprint for text in same}
    assert len(prints) == 1
    nested = [
        '    def g():\n        """G."""\n        return a\n    return g()',
        "    def g(): return a\n    return g()",
    ]
    assert len({_make(BODY, text).fingerprint for text in nested}) == 1
    assert _make(BODY, "    return b + a\n").fingerprint not in prints


def test_candidates_that_do_not_parse_are_compared_as_text() -> None:
    """Layout at line ends does not tell broken candidates apart, their text does."""
    first, second = _make(BODY, "    return (a\n"), _make(BODY, "    return (a   \n\n")
    assert first.fingerprint == second.fingerprint != _make(BODY, "    return (b\n").fingerprint


def test_equal_candidates_share_a_fingerprint() -> None:
    """Redundant brackets do not tell candidates apart; a missing term does."""
    first, same, other = (_make(BODY, text) for text in ("    return a + b", "    return (a + b)", "    return a"))
    assert first.fingerprint == same.fingerprint != other.fingerprint


def test_mean_logprob_is_the_mean_or_none() -> None:
    """The mean is over the kept tokens; without log-probabilities there is none."""
    context = context_at(BODY)
    told = completion_of("    return a\n", token_logprobs=(-1.0, -3.0))
    assert make_candidate(told, context, VERSION).mean_logprob == -2.0
    assert make_candidate(completion_of("    return a\n"), context, VERSION).mean_logprob is None


@example(text="'\\:'\\", kind=HoleKind.BODY)
@given(text=st.text(alphabet="ab()[]:'\"\\ \n#=+,.1é\t", max_size=60), kind=st.sampled_from(list(HoleKind)))
def test_any_text_makes_a_candidate(text: str, kind: HoleKind) -> None:
    """Whatever a policy writes, making a candidate of it ends, and one without a problem parses."""
    context = context_at(BODY, kind=kind, indent="" if kind is HoleKind.MODULE else "    ")
    candidate = make_candidate(completion_of(text), context, VERSION)
    if not candidate.problem:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which warning an unknown escape gives depends on the version of Python
            ast.parse(context.before + candidate.text + context.after)


HIDDEN = ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2060", "\u3164", "\U000e0061", "\x1b", "\x9b", "\u00ad"]


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
@pytest.mark.parametrize("text", ["return '{}' + a", "return a + b  # {}", "return (a +\n        b)  # {} x"])
def test_what_nobody_sees_is_not_offered(character: str, text: str) -> None:
    """A bidirectional control or an invisible character that the document does not contain is a problem, and named."""
    problem = _make(BODY, text.format(character)).problem
    assert f"U+{ord(character):04X}" in problem or "does not parse" in problem
    assert not hidden_characters(problem)


@pytest.mark.parametrize("character", ["\u200d", "\u202e", "\u00ad"], ids=ascii)
def test_what_the_document_contains_may_be_written_again(character: str) -> None:
    """Its writer uses it."""
    assert _make(f"SIGN = '{character}'\n{BODY}", f"return '{character}'").problem == ""
    assert _make(BODY, "return '⚠️ é 漢字 🐍'").problem == ""


def test_half_a_character_is_a_problem() -> None:
    """No file can contain a lone surrogate."""
    assert _make(BODY, "return '\ud800'").problem


@pytest.mark.parametrize(
    ("document", "completion", "text"),
    [
        ("COINS = [1, 2, ‸\n", "5, 10, 20, 50, 10", "5, 10, 20, 50]"),
        ("COINS = [1, 2, ‸]\n", "5, 10, 20, 50, 10", "5, 10, 20, 50"),
        ("NAMES = ('a', [‸\n", "'b, c', (1, 2), 'd", "'b, c', (1, 2)])"),
        ("SIGNS = {‸\n", "'a': [1, 2], 'b': {3, 4}, 'c'", "'a': [1, 2], 'b': {3, 4}}"),
    ],
)
def test_a_list_without_an_end_is_closed(document: str, completion: str, text: str) -> None:
    """Only whole values are kept of a list that reached the token limit."""
    context = replace(context_at(document, kind=HoleKind.LINE, indent=""), place=Place.LITERAL)
    candidate = make_candidate(replace(completion_of(completion), finish=Finish.LENGTH), context, VERSION)
    assert (candidate.text, candidate.problem) == (text, "")


@pytest.mark.parametrize("completion", ["1", "'a, b", "f(1, 2"])
def test_a_list_without_a_whole_value_is_no_candidate(completion: str) -> None:
    """There is nothing to keep."""
    context = replace(context_at("A = [‸\n", kind=HoleKind.LINE, indent=""), place=Place.LITERAL)
    candidate = make_candidate(replace(completion_of(completion), finish=Finish.LENGTH), context, VERSION)
    assert candidate.problem


NEWER = ["def first[T](xs: list[T]) -> T:\n    ‸", "class Box[T]:\n    def get(self):\n        ‸"]
NEWER += [f"type Pair{parameters} = tuple\n\n\ndef f(a):\n    ‸" for parameters in ("", "[T]", "[T: int]")]


@pytest.mark.parametrize("document", NEWER)
def test_syntax_of_a_newer_python_is_named(document: str) -> None:
    """The user can do something about it: the interpreter of plum-lsp parses the file."""
    told = newer_syntax(document, (3, 11))
    assert "syntax of Python 3.12, and plum-lsp runs on 3.11" in told
    assert newer_syntax(document, (3, 12)) == ""
    if sys.version_info < (3, 12):
        assert told in _make(document, "return a\n").problem


@pytest.mark.parametrize(
    "line", ["type = 3", "type == 3", "x = types[0]", "def f(a=[]):", '"""\ndef f[T](a): ..."""', "# def f[T](a)"]
)
def test_other_syntax_is_not_newer(line: str) -> None:
    """A broken file has another reason."""
    assert newer_syntax(f"{line}\n", (3, 11)) == ""
