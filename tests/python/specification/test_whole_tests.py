"""Which tests of a project may reach a function, told from names."""

from __future__ import annotations

import textwrap
from collections.abc import Set as AbstractSet

from plum_lsp.domain.verification import Passes
from plum_lsp.python.specification import whole_tests
from plum_lsp.python.specification.whole_tests import Indexed, indexed

CORE = """
    class Shop:
        def __init__(self, prices):
            self.prices = prices

        def total(self, names):
            return _sum(names)

    def _sum(names):
        return helper(names)

    def helper(names):
        return names

    def unrelated():
        return 1
    """


def found(names: list[str], **files: str) -> list[str]:
    """The tests of these files (`__` stands for a slash) and of the document, likeliest first."""
    index = [
        Indexed(path=f"{name.replace('__', '/')}.py", functions=indexed(textwrap.dedent(text)), is_near="core" in name)
        for name, text in {"pkg__core": CORE, **files}.items()
    ]

    def mentioning(wanted: AbstractSet[str]) -> list[Indexed]:
        return [file for file in index if any(not wanted.isdisjoint(one.mentions) for one in file.functions)]

    tests = whole_tests.tests_reaching(names, mentioning, limit=40, stem="core")
    return [test.expectation.test for test in tests if isinstance(test.expectation, Passes)]


def test_who_names_the_function_comes_first() -> None:
    """Then those that reach it through one function, then through two."""
    tests = """
        def test_shop():
            assert Shop({}).total([]) == []

        def test_sum():
            assert core._sum([]) == []

        def test_helper():
            assert helper([]) == []

        def test_other():
            assert unrelated() == 1
        """
    names = ["tests/test_a.py::test_helper", "tests/test_a.py::test_sum", "tests/test_a.py::test_shop"]
    assert found(["helper"], tests__test_a=tests) == names


def test_fixtures_are_followed() -> None:
    """Also those of a conftest file, and fixtures of fixtures."""
    conftest = """
        @pytest.fixture
        def shop():
            return Shop({})

        @pytest.fixture
        def full(shop):
            return shop
        """
    tests = "def test_full(full):\n    assert full\n"
    assert found(["__init__", "Shop"][1:], tests__conftest=conftest, tests__test_a=tests) == [
        "tests/test_a.py::test_full"
    ]


def test_tests_of_classes_have_what_the_class_sets_up() -> None:
    """A test of a class mentions what its `setUp` does."""
    tests = """
        class TestShop(unittest.TestCase):
            def setUp(self):
                self.shop = Shop({})

            def test_it(self):
                self.assertEqual(self.shop.sum(), 0)
        """
    assert found(["Shop"], tests__test_a=tests) == ["tests/test_a.py::TestShop::test_it"]


def test_inherited_tests_are_the_class_s_own() -> None:
    """Tests of a mixin run under the names of the classes that inherit them."""
    mixin = """
        class ShopMixin:
            def test_total(self):
                assert self.make().total([]) == []
        """
    tests = """
        class TestShop(ShopMixin, TestCase):
            def make(self):
                return Shop({})
        """
    names = found(["total", "Shop"], tests__mixin=mixin, tests__test_a=tests)
    assert "tests/test_a.py::TestShop::test_total" in names


def test_a_file_named_after_the_document_comes_first() -> None:
    """Of tests that are equally near."""
    test = "def test_helper():\n    assert helper(1) == 1\n"
    names = found(["helper"], tests__test_a=test, tests__test_core=test)
    assert names == ["tests/test_core.py::test_helper", "tests/test_a.py::test_helper"]


def test_what_pytest_does_not_run_comes_last() -> None:
    """Tests of a mixin are run by the classes that inherit from it."""
    tests = """
        class Mixin:
            def test_it(self):
                assert unrelated() == 1

        class RealTest(Mixin, unittest.TestCase):
            pass

        class TestToo:
            def test_more(self):
                assert unrelated() == 1
        """
    names = [f"tests/test_a.py::{name}" for name in ("TestToo::test_more", "RealTest::test_it", "Mixin::test_it")]
    assert found(["unrelated"], tests__test_a=tests) == names


def test_a_name_that_tests_of_many_files_use_tells_little() -> None:
    """The file that is named after the document comes first, though there are more functions between."""
    many = {f"tests__test_a{number:02}": "def test_a():\n    _sum([])\n" for number in range(12)}
    chosen = found(["helper"], **many, tests__test_core="def test_b():\n    total([])\n")
    assert chosen[0] == "tests/test_core.py::test_b"


def test_names_that_are_everywhere_are_not_followed() -> None:
    """They mean too many things."""
    index = [Indexed(path="tests/test_a.py", functions=indexed("def test_a():\n    total([])\n"))]
    index.append(Indexed(path="core.py", functions=indexed(textwrap.dedent(CORE))))
    for everywhere, count in (("", 1), ("total", 0), ("_sum", 0)):
        chosen = whole_tests.tests_reaching(
            ["helper"], lambda wanted: index, limit=9, is_everywhere=lambda name, word=everywhere: name == word
        )
        assert len(chosen) == count, everywhere


def test_batches_hold_what_can_be_collected_at_a_time() -> None:
    """Few files each, none left out, the nearest first."""
    tests = [
        whole_tests.case_of(f"tests/test_{file}.py::test_{number}", "") for number in range(9) for file in range(8)
    ]
    batches = list(whole_tests.in_batches(tests))
    assert sorted(test.id for batch in batches for test in batch) == sorted(test.id for test in tests)
    files = [{whole_tests.test_of(test).partition("::")[0] for test in batch} for batch in batches]
    assert [len(one) for one in files] == [whole_tests.FILES_MAX, 8 - whole_tests.FILES_MAX]
    assert batches[0][0] == tests[0]


def test_private_methods_are_called_by_their_names() -> None:
    """Special ones are called by Python."""
    tests = """
        def test_a():
            assert Shop({})._Shop__sum() == 0

        def test_b():
            assert report() == 0
        """
    core = """
        def report():
            return Shop({}).__sum()
        """
    assert "tests/test_a.py::test_b" in found(["__sum"], tests__test_a=tests, pkg__more=core)


def test_a_search_that_finds_little_is_widened() -> None:
    """A method is then reached through its class too, and functions that start a program are followed."""
    core = """
        class Unknown(Problem):
            def message(self):
                return _hint(self.name)

        def main(arguments):
            return Unknown(arguments)

        def run():
            show(main([]))
        """
    tests = "def test_a():\n    assert run() == 0\n"
    assert found(["_hint"], core=core, tests__test_a=tests) == ["tests/test_a.py::test_a"]
    many = "".join(f"def test_{number}():\n    message()\n" for number in range(whole_tests.FEW))
    assert "tests/test_a.py::test_a" not in found(["_hint"], core=core, tests__test_a=tests, tests__test_b=many)


def test_tests_within_functions_are_found() -> None:
    """A function that makes tests is no test, and the class that it makes is one only if it has tests."""
    tests = """
        def make(names):
            wanted = helper(names)
            def test(self):
                assert names == wanted
            return test

        def make_class(name):
            class _Tests(TestCase):
                def test_one(self):
                    assert helper(name)
            return _Tests

        def test_outer():
            def test_inner():
                assert helper([])
        """
    assert found(["helper"], tests__test_a=tests) == [
        "tests/test_a.py::make_class::_Tests::test_one",
        "tests/test_a.py::test_outer",
        "tests/test_a.py::make::test",
    ]
