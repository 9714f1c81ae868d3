"""A project's tests end in the jail as they do under plain pytest."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import written

from benchmarks.same_as_pytest import compared

pytestmark = pytest.mark.slow

TESTS = """
    import sys
    import unittest

    import pytest
    from pkg.core import Shop, total

    @pytest.mark.parametrize("names, result", [([], 0), (["a"], 1), (["b", "b"], 4)])
    def test_table(names, result):
        assert total(names) == result

    @pytest.mark.parametrize("number", range(4))
    def test_one_case_fails(number):
        assert number < 3

    def test_fixture(shop, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a").write_text("x")
        print(open("a").read())
        assert capsys.readouterr().out == "x\\n"
        assert shop.names == ["a"]

    def test_wrong(shop):
        assert shop.names == []

    def test_missing(nothing):
        pass

    def test_raises():
        with pytest.raises(KeyError):
            total(["c"])

    @pytest.mark.skipif(sys.version_info > (3, 0), reason="old")
    def test_old():
        assert False

    @pytest.mark.xfail
    def test_known():
        assert False

    class TestShop:
        @pytest.fixture(autouse=True)
        def ready(self):
            self.made = Shop(["b"])

        def test_method(self):
            assert self.made.names == ["b"]

    class OldKind(unittest.TestCase):
        def setUp(self):
            self.shop = Shop([])

        def test_equal(self):
            self.assertEqual(self.shop.names, [])

        def test_unequal(self):
            self.assertEqual(self.shop.names, [1])

        def test_parts(self):
            for number in range(3):
                with self.subTest(number=number):
                    self.assertLess(number, 3)

        def test_one_part_fails(self):
            for number in range(3):
                with self.subTest(number=number):
                    self.assertNotEqual(number, 1)
    """
CORE = """
    PRICES = {"a": 1, "b": 2}

    class Shop:
        def __init__(self, names):
            self.names = names

    def total(names):
        return sum(PRICES[name] for name in names)
    """
CONFTEST = """
    import pytest
    from pkg.core import Shop

    @pytest.fixture(scope="module")
    def shop():
        yield Shop(["a"])
    """


async def test_every_outcome_is_the_same(tmp_path: Path) -> None:
    """Tables, fixtures of every scope, classes, marks, failures and errors."""
    project = written(tmp_path, pkg__init="", pkg__core=CORE, tests__conftest=CONFTEST, tests__test_core=TESTS)
    found = await compared(project)
    assert found.different == ()
    assert found.equal >= 11
    assert set(found.apart) <= {"not_run", "errored"}
