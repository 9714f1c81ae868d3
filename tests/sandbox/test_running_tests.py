"""The project's own tests run as pytest runs them, in the jail, beside the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import filled, written

from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import RunOutcome, TestRun
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.projects import testing
from plum_lsp.sandbox.projects.testing import TEST_SECONDS_MAX

pytestmark = pytest.mark.slow

CORE = """
    import asyncio


    class Shop:
        def __init__(self, prices):
            self.prices = prices

        def total(self, names):
            raise NotImplementedError


    def price(shop, name):
        return shop.total([name])


    def other():
        return 1
    """
CONFTEST = """
    import pytest
    from pkg.core import Shop

    @pytest.fixture
    def shop():
        return Shop({"a": 1, "b": 2})
    """
TESTS = """
    import os
    import sys
    import unittest

    import pytest
    import pkg
    from pkg.core import Shop, other, price


    def test_fixture(shop):
        assert shop.total(["a", "b"]) == 3

    @pytest.mark.parametrize("names, total", [([], 0), (["a"], 1), (["b", "b"], 4)])
    def test_table(shop, names, total):
        assert shop.total(names) == total

    def test_indirect(shop):
        assert price(shop, "b") == 2

    class TestOfOldKind(unittest.TestCase):
        def setUp(self):
            self.shop = Shop({"x": 5})

        def test_method(self):
            self.assertEqual(self.shop.total(["x"]), 5)

    def test_files(tmp_path, shop, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a").write_text(str(shop.total(["a"])))
        print(open("a").read())
        assert capsys.readouterr().out == "1\\n"

    def test_other():
        assert other() == 1

    def test_broken(shop):
        assert shop.total(["a"]) == 99

    def test_wants_too_much(shop):
        shop.total([])
        os.system("true")
        import subprocess
        subprocess.run(["true"])

    def test_hangs(shop):
        shop.total([])
        while True:
            pass

    @pytest.mark.skip
    def test_skipped(shop):
        assert shop.total([]) == 0

    @pytest.mark.xfail
    def test_known(shop):
        assert shop.total([]) == 1

    def test_type(shop):
        shop.total([]).no_such_attribute
    """
NAMES = [
    *("test_fixture", "test_table", "test_indirect", "TestOfOldKind::test_method", "test_files", "test_other"),
    *("test_broken", "test_wants_too_much", "test_hangs", "test_skipped", "test_known", "test_type"),
]
RIGHT = "return sum(self.prices[name] for name in names)"


async def ran_alone(project: Project, names: list[str], *bodies: str) -> list[Sequence[TestRun]]:
    """What tests say of each body of the method, in one sandbox."""
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        filled_in = [filled(project, "pkg/core.py", body) for body in bodies]
        return [await sandbox.run_tests(one, names, watches=False, seconds=30) for one in filled_in]
    finally:
        await sandbox.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package with a class, fixtures in a conftest file and tests of every kind."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -n 4 --cov --strict-config -p no:doctest\n")
    return written(
        tmp_path,
        pkg__init="from pkg.core import Shop\n",
        pkg__core=CORE,
        tests__conftest=CONFTEST,
        tests__test_core=TESTS,
    )


async def ran(sandbox: JailSandbox, project: Project, body: str, *, watches: bool = False) -> dict[str, TestRun]:
    """How each test ended, by its name in the file."""
    names = [f"tests/test_core.py::{name}" for name in NAMES]
    program = filled(project, "pkg/core.py", body)
    found = await sandbox.run_tests(program, names, watches=watches, seconds=30)
    return dict(zip(NAMES, found, strict=True))


async def test_each_ends_as_under_pytest(sandbox: JailSandbox, project: Project) -> None:
    """Fixtures, tables, classes, folders and captured output work; what the jail refuses is no failure."""
    found = await ran(sandbox, project, RIGHT)
    passed = {name for name, one in found.items() if one.outcome is RunOutcome.PASSED}
    assert passed == set(NAMES[:6]), {name: (one.outcome, one.shown) for name, one in found.items()}
    assert found["test_broken"].outcome is RunOutcome.FAILED
    assert found["test_wants_too_much"].outcome is RunOutcome.ERRORED
    assert found["test_hangs"].outcome is RunOutcome.TIMED_OUT
    assert found["test_skipped"].outcome is found["test_known"].outcome is RunOutcome.NOT_RUN
    assert found["test_type"].outcome is RunOutcome.ERRORED


async def test_an_unfilled_body_shows_which_tests_reach_it(sandbox: JailSandbox, project: Project) -> None:
    """Those that call the function fail and are told from those that do not."""
    found = await ran(sandbox, project, "raise NotImplementedError", watches=True)
    reached = {name for name, one in found.items() if one.is_reached}
    assert reached == set(NAMES) - {"test_other", "test_skipped"}
    assert {found[name].outcome for name in NAMES[:5]} == {RunOutcome.FAILED}
    assert found["test_other"].outcome is RunOutcome.PASSED


async def test_a_wrong_body_fails_where_it_shows(sandbox: JailSandbox, project: Project) -> None:
    """Each candidate is judged by itself, from the same start."""
    found = await ran(sandbox, project, "return len(names)")
    assert found["test_fixture"].outcome is found["test_table"].outcome is RunOutcome.FAILED
    assert found["test_other"].outcome is RunOutcome.PASSED
    assert (await ran(sandbox, project, RIGHT))["test_table"].outcome is RunOutcome.PASSED


async def test_a_changed_decorator_is_imported_anew(sandbox: JailSandbox, project: Project) -> None:
    """Where more than a body differs, the child imports the document and collects the tests itself."""
    program = filled(project, "pkg/core.py", RIGHT)
    helper = program.source.replace("def price(", "def helper():\n    return 1\n\n\ndef price(")
    names = ["tests/test_core.py::test_fixture", "tests/test_core.py::test_indirect"]
    found = await sandbox.run_tests(replace(program, source=helper), names, watches=False, seconds=30)
    assert [one.outcome for one in found] == [RunOutcome.PASSED] * 2


async def test_a_changed_test_is_seen(tmp_path: Path, project: Project) -> None:
    """A test is run as it is now."""
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    program, name = filled(project, "pkg/core.py", "return 7"), "tests/test_core.py::test_fixture"
    try:
        (before,) = await sandbox.run_tests(program, [name], watches=False, seconds=30)
        path = tmp_path / "tests/test_core.py"
        path.write_text(path.read_text().replace('total(["a", "b"]) == 3', 'total(["a", "b"]) == 7   '))
        (after,) = await sandbox.run_tests(program, [name], watches=False, seconds=30)
    finally:
        await sandbox.close()
    assert (before.outcome, after.outcome) == (RunOutcome.FAILED, RunOutcome.PASSED)


async def test_no_test_is_begun_whose_own_limit_does_not_fit(tmp_path: Path, project: Project) -> None:
    """The first one always is, so that a slow candidate is never refuted for the time of all tests together."""
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    names = [f"tests/test_core.py::{name}" for name in NAMES[:3]]
    try:
        program = filled(project, "pkg/core.py", RIGHT)
        await sandbox.run_tests(program, names, watches=False, seconds=30)  # imports the document ahead
        found = await sandbox.run_tests(program, names, watches=False, seconds=TEST_SECONDS_MAX)
    finally:
        await sandbox.close()
    assert [one.outcome for one in found] == [RunOutcome.PASSED, RunOutcome.NOT_RUN, RunOutcome.NOT_RUN]


AT_IMPORT = """
    import pytest
    from pkg.core import Shop, other

    SUM = Shop({"a": 1}).total(["a"])

    def test_of_the_sum():
        assert SUM == 1

    def test_reaching():
        assert Shop({"b": 2}).total(["b"]) == 2

    def test_other():
        assert other() == 1

    @pytest.mark.parametrize("case", range(10 ** 6))
    def test_endless(case):
        pass
    """
NEEDS_BODY = [f"tests/test_import.py::{name}" for name in ("test_of_the_sum", "test_reaching", "test_other")]


@pytest.mark.parametrize("place", ["test_import", "conftest"])
async def test_a_file_that_needs_the_body_to_be_imported(tmp_path: Path, place: str) -> None:
    """The unfilled hole is named as the reason. A candidate collects by itself, only what was asked for, and tests that
    do not call its function say nothing."""
    files = {"tests__test_import": AT_IMPORT, "tests__conftest": "", f"tests__{place}": AT_IMPORT}
    if place == "conftest":
        files["tests__test_import"] = AT_IMPORT.replace('Shop({"a": 1}).total(["a"])', "1")
    project = written(tmp_path, pkg__init="from pkg.core import Shop\n", pkg__core=CORE, **files)
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        unfilled = filled(project, "pkg/core.py")
        found = await sandbox.run_tests(unfilled, NEEDS_BODY, watches=True, seconds=10)
        assert {one.outcome for one in found} == {RunOutcome.UNCOLLECTED}
        assert all("NotImplementedError" in one.shown for one in found)
        found = await sandbox.run_tests(filled(project, "pkg/core.py", RIGHT), NEEDS_BODY, watches=False, seconds=10)
        assert [one.outcome for one in found] == [RunOutcome.NOT_RUN, RunOutcome.PASSED, RunOutcome.NOT_RUN]
        found = await sandbox.run_tests(
            filled(project, "pkg/core.py", "return 1"), NEEDS_BODY, watches=False, seconds=10
        )
        assert found[1].outcome is RunOutcome.FAILED
    finally:
        await sandbox.close()


@pytest.mark.parametrize("place", ["test_import", "conftest", "init"])
async def test_a_body_with_which_nothing_can_be_imported_errs(tmp_path: Path, place: str) -> None:
    """Its exception came through the document. A file that cannot be imported for another reason says nothing."""
    files = {"tests__test_import": AT_IMPORT, "tests__conftest": "", "pkg__init": "from pkg.core import Shop\n"}
    if place == "conftest":
        files |= {"tests__conftest": AT_IMPORT}
    if place == "init":
        files["pkg__init"] += 'SUM = Shop({"a": 1}).total(["a"])\n'
    project = written(tmp_path, pkg__core=CORE, tests__test_missing="import no_such_package\n", **files)
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    names = [NEEDS_BODY[1], "tests/test_missing.py::test_f"]
    try:
        found = await sandbox.run_tests(
            filled(project, "pkg/core.py", "return names.lower()"), names, watches=False, seconds=10
        )
        right = await sandbox.run_tests(filled(project, "pkg/core.py", RIGHT), names, watches=False, seconds=10)
    finally:
        await sandbox.close()
    assert found[0].outcome is RunOutcome.ERRORED
    assert "lower" in found[0].shown
    assert [one.outcome for one in right] == [RunOutcome.PASSED, RunOutcome.UNCOLLECTED]


IN_PARTS = """
    import unittest
    import pytest
    from pkg.core import Shop

    SHOP = Shop({"a": 1, "b": 2})

    class InParts(unittest.TestCase):
        def test_all(self):
            for names, total in ((["a"], 1), (["b"], 2), (["a"], 1)):
                with self.subTest(names=names):
                    self.assertEqual(SHOP.total(names), total)

        def test_one_skipped(self):
            for names, total in ((["a"], 1), (["b"], 2), (["c"], 3)):
                with self.subTest(names=names):
                    if "c" in names:
                        self.skipTest("not sold")
                    self.assertEqual(SHOP.total(names), total)

    def test_of_pytest(subtests):
        for names, total in ((["a"], 1), (["b"], 2), (["a"], 1)):
            with subtests.test(names=names):
                assert SHOP.total(names) == total

    OTHER = pytest.mark.skipif(True, reason="another machine")

    @pytest.mark.parametrize("name", ["a", pytest.param("b", marks=OTHER), pytest.param("a", marks=pytest.mark.xfail)])
    def test_last_cases_skipped(name):
        assert SHOP.total([name]) == 1

    @pytest.mark.parametrize("name", [pytest.param("a", marks=OTHER), "b", pytest.param("a", marks=OTHER)])
    def test_first_case_skipped(name):
        assert SHOP.total([name]) == 2
    """
PARTS = ("InParts::test_all", "InParts::test_one_skipped", "test_of_pytest")
CASES = ("test_last_cases_skipped", "test_first_case_skipped")


async def test_a_part_or_case_that_is_skipped_says_nothing(tmp_path: Path) -> None:
    """One that fails fails its test, also if the parts after it and the test around it pass."""
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_parts=IN_PARTS)
    names = [f"tests/test_parts.py::{one}" for one in (*PARTS, *CASES)]
    right, wrong = await ran_alone(project, names, RIGHT, "return len(names)")
    assert [one.outcome for one in right] == [RunOutcome.PASSED] * 5
    assert [one.outcome for one in wrong] == [RunOutcome.FAILED] * 3 + [RunOutcome.PASSED, RunOutcome.FAILED]


MADE = """
    import functools
    import unittest

    from pkg.core import Shop

    SHOP = Shop({"a": 1, "b": 2})

    def expand(*rows):
        def expanded(test):
            for number, row in enumerate(rows):
                @functools.wraps(test)
                def one(self, row=row):
                    test(self, *row)
                one.__name__ = f"{test.__name__}_{number}"
                made[one.__name__] = one
        made = __import__("sys")._getframe(1).f_locals
        return expanded

    class TestRows(unittest.TestCase):
        @expand((["a"], 1), (["b", "b"], 4))
        def test_rows(self, names, total):
            self.assertEqual(SHOP.total(names), total)

    class TestSet(unittest.TestCase):
        pass

    def make(names, total):
        def test(self):
            self.assertEqual(SHOP.total(names), total)
        return test

    for names, total in (["a"], 1), (["b"], 2):
        setattr(TestSet, "test_" + names[0], make(names, total))

    def make_class(names, total):
        class _TestOne(unittest.TestCase):
            def test_one(self):
                self.assertEqual(SHOP.total(names), total)

        globals()["Test" + names[0]] = _TestOne

    make_class(["b"], 2)
    """


async def test_tests_that_are_made_at_import_run_by_the_names_in_the_text(tmp_path: Path) -> None:
    """The rows of a table that a decorator expands, functions set as attributes, and classes made by a function."""
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_made=MADE)
    names = [
        f"tests/test_made.py::{one}" for one in ("TestRows::test_rows", "make::test", "make_class::_TestOne::test_one")
    ]
    right, wrong = await ran_alone(project, names, RIGHT, "return len(names)")
    assert [one.outcome for one in right] == [RunOutcome.PASSED] * 3
    assert [one.outcome for one in wrong] == [RunOutcome.FAILED] * 3


BESIDE = """
    import ipaddress


    def split(text):
        raise NotImplementedError


    def host(text):
        name, _ = split(text)
        return str(ipaddress.ip_address(name))


    def later(text):
        return split(text)()
    """
TESTS_BESIDE = """
    from pkg.core import host, later, split


    def test_split():
        assert split("1.1.1.1:80") == ("1.1.1.1", "80")

    def test_old_form():
        assert split("010.1.1.1:80") == ("010.1.1.1", "80")
        assert host("010.1.1.1:80") == "8.1.1.1"

    def test_own():
        split("")

    def test_nested():
        later("")
    """


@pytest.mark.parametrize("is_ahead", [True, False])
async def test_an_exception_in_another_function_is_told_from_ones_own(tmp_path: Path, is_ahead: bool) -> None:
    """A function of the same file may fail here for a reason of its own, such as another Python."""
    project = written(tmp_path, pkg__init="", pkg__core=BESIDE, tests__test_beside=TESTS_BESIDE)
    names = [f"tests/test_beside.py::{one}" for one in ("test_split", "test_old_form", "test_own", "test_nested")]
    body = "if not text:\n    return lambda: int('x')\nhost, port = text.split(':')\nreturn host, port"
    program = filled(project, "pkg/core.py", body)
    if not is_ahead:
        program = replace(program, source=program.source + "\n\ndef helper():\n    return 1\n")
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        found = await sandbox.run_tests(program, names, watches=False, seconds=30)
        broken = filled(project, "pkg/core.py", "return text.nothing")
        (own,) = await sandbox.run_tests(broken, names[2:3], watches=False, seconds=30)
    finally:
        await sandbox.close()
    passed, failed, beside = RunOutcome.PASSED, RunOutcome.FAILED, RunOutcome.ERRORED_BESIDE
    assert [one.outcome for one in (*found, own)] == [passed, beside, passed, failed, failed]


WARNING = """
    import warnings

    def pytest_configure(config):
        warnings.warn(DeprecationWarning("an option is unset"))
    """


async def test_a_warning_of_a_plug_in_does_not_end_the_run(tmp_path: Path) -> None:
    """Also if the project makes errors of warnings. It says nothing about a candidate."""
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_made=MADE, tests__conftest=WARNING)
    (project.root / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    names = ["tests/test_made.py::TestRows::test_rows"]
    [found] = await ran_alone(project, names, RIGHT)
    assert [one.outcome for one in found] == [RunOutcome.PASSED]


WAITING = """
    import time
    from pkg.core import other

    def test_waits():
        time.sleep({seconds})
        assert other() == 1

    def test_works():
        end = time.process_time() + 60
        while time.process_time() < end:
            other()

    def test_sleeps():
        time.sleep(60)
    """


async def test_the_processor_time_of_a_test_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that waits may take longer on the clock, but one that sleeps for long is ended, too."""
    monkeypatch.setattr(testing, "WALL_SHARE", 12.0)
    waiting = WAITING.replace("{seconds}", str(TEST_SECONDS_MAX + 0.5))
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_waiting=waiting)
    names = [f"tests/test_waiting.py::{name}" for name in ("test_waits", "test_works", "test_sleeps")]
    [found] = await ran_alone(project, names, RIGHT)
    assert [one.outcome for one in found] == [RunOutcome.PASSED, RunOutcome.TIMED_OUT, RunOutcome.TIMED_OUT]


async def test_a_wait_for_a_processor_does_not_end_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with many programs for each processor: the child stands in line all the time."""
    monkeypatch.setattr(testing, "WALL_SHARE", 0.0)
    monkeypatch.setattr(testing, "COLLECTING_SECONDS_MAX", 0.0)
    monkeypatch.setattr(testing, "LOAD_SECONDS_MAX", 0.0)
    monkeypatch.setattr(Child, "in_line", lambda child: b"1 1 1")
    order = testing._order
    monkeypatch.setattr(
        testing, "_order", lambda *given: order(*given).replace(b'"wall_share": 0.0', b'"wall_share": 30.0')
    )
    quick = "from pkg.core import price, Shop\n\ndef test_price():\n    assert price(Shop({'a': 1}), 'a') == 1\n"
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_quick=quick)
    [found] = await ran_alone(project, ["tests/test_quick.py::test_price"], RIGHT)
    assert [one.outcome for one in found] == [RunOutcome.PASSED]


SWALLOWING = """
    import contextlib
    import unittest
    from pkg.core import other

    def hang():
        while True:
            other()

    class TestParts(unittest.TestCase):
        def test_parts(self):
            for number in range(3):
                with self.subTest(number=number):
                    hang()

    def test_suppresses():
        for _ in range(3):
            with contextlib.suppress(BaseException):
                hang()

    def test_works():
        assert other() == 1
    """


async def test_a_test_that_goes_on_after_its_time_is_ended_again(tmp_path: Path) -> None:
    """A test that swallows the exception of the time limit has timed out, and the next one runs."""
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__test_swallowing=SWALLOWING)
    names = [f"tests/test_swallowing.py::{name}" for name in ("TestParts::test_parts", "test_suppresses", "test_works")]
    [found] = await ran_alone(project, names, RIGHT)
    assert [one.outcome for one in found] == [RunOutcome.TIMED_OUT, RunOutcome.TIMED_OUT, RunOutcome.PASSED], found
