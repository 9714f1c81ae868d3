"""Files of cases: what a line may hold, what a malformed one does to the others, and the commands over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plum_lsp.cli.sandbox import sandbox as commands
from plum_lsp.domain.verification import Equals, Raises
from plum_lsp.evaluation.cases import MalformedCase, read_case


def line(tests: Any, **fields: Any) -> str:
    """A line of a case of `f`, which returns its argument."""
    case = {"id": "one", "code": "def f(x):\n    return x\n", "entry_point": "f", "tests": tests, **fields}
    return json.dumps(case)


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        (1, "1"),
        (None, "None"),
        ("a'b", '"a\'b"'),
        ([1, {"$py": "(2, 3)"}], "[1, ((2, 3))]"),
        ({"a": {"$approx": 1.5, "tol": 0.1}}, "{'a': approx(1.5, 0.1)}"),
        ({}, "{}"),
    ],
    ids=str,
)
def test_expected_values_become_expressions(expected: Any, source: str) -> None:
    """Tags may stand at any depth."""
    (test,) = read_case(line([[[1], expected]])).tests
    assert test.expectation == Equals(expected=source)


def test_arguments_and_exceptions_are_read() -> None:
    """A call is written out; `$raises` asks for an exception."""
    (test,) = read_case(line([[[{"$py": "{1, 2}"}, "x"], {"$raises": "KeyError"}]])).tests
    assert test.call.expression == "f(({1, 2}), 'x')"
    assert test.expectation == Raises(type_name="KeyError")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "7", '{"id": 1}'),
        *(line(tests) for tests in (None, [[1, 2]], [[[1]]], [[[1], {"$what": 1}]], [[[1], {"$py": " "}]])),
        *(line([[[{"$approx": 1, "tol": 1}], 1]]), line([[[1], [{"$raises": "KeyError"}]]]), line([], code=3)),
    ],
)
def test_what_is_no_case_is_refused(text: str) -> None:
    """With our own error, before anything runs."""
    with pytest.raises(MalformedCase):
        read_case(text)


@pytest.mark.slow
def test_a_malformed_line_is_named_and_the_others_run(tmp_path: Path) -> None:
    """The exit status says that a line was lost; results keep the order of the lines."""
    cases, results = tmp_path / "cases.jsonl", tmp_path / "results.jsonl"
    lines = [
        line([[[1], 1], [[2], 3]], id="half"),
        "{broken",
        "",
        line([[[0.1], {"$approx": 0.1001, "tol": 0.01}], [[1], {"$py": "1.0"}]], id="near"),
        line("none", id="named"),
        line([[[1], 1]], id="hang", code="def f(x):\n    while True: pass"),
        line([[[1], {"$raises": "ZeroDivisionError"}]], id="raises", code="def f(x): return x / 0"),
        line([], id="loads"),
        line([], id="does not load", code="1/0"),
    ]
    cases.write_text("\n".join(lines))
    done = CliRunner().invoke(commands, ["run", str(cases), "-o", str(results), "--jobs", "2", "--timings"])
    assert done.exit_code == 1
    assert "line 2: not JSON" in done.stderr
    assert "line 5: `tests` is missing" in done.stderr
    assert "cases in" in done.stderr
    found = [json.loads(result) for result in results.read_text().splitlines()]
    assert [(result["id"], result["status"]) for result in found] == [
        ("half", "fail"),
        ("near", "pass"),
        ("named", "error"),
        ("hang", "timeout"),
        ("raises", "pass"),
        ("loads", "pass"),
        ("does not load", "error"),
    ]
    assert found[0]["passed"] == [True, False]


@pytest.mark.slow
def test_the_selftest_says_what_it_stopped() -> None:
    """And names the tier and its layers."""
    done = CliRunner().invoke(commands, ["selftest"])
    assert done.exit_code == 0, done.output
    assert "seccomp" in done.output
    assert "FAILED" not in done.output


def test_an_unknown_tier_is_refused() -> None:
    """By the command line itself."""
    assert CliRunner().invoke(commands, ["selftest", "--tier", "none"]).exit_code == 2
