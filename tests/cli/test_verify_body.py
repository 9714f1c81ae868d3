"""`plum-lsp verify FILE::QUALNAME`: a body of a file in a project, judged by the project's tests in a real sandbox."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from support.command_line import CommandLine
from support.projects import tree

pytestmark = pytest.mark.slow

CART = dedent('''\
    from .prices import price_of


    class Cart:
        def __init__(self, names=()):
            self.names = list(names)

        def total(self):
            """The sum of all prices."""
            # One by one.
            return sum(price_of(name) for name in self.names)


    def untested(x):
        return x + 1
    ''')
WRONG = "# in one go\ntotal = 1\nreturn total + sum(price_of(name) for name in self.names)\n"
TESTS = dedent("""\
    def test_through_a_fixture(cart):
        assert cart.total() == 3

    def test_another(cart):
        assert cart.names == ["a", "b"]
    """)
FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    "src/shop/__init__.py": "",
    "src/shop/prices.py": 'def price_of(name):\n    return {"a": 1, "b": 2}[name]\n',
    "src/shop/cart.py": CART,
    "tests/conftest.py": (
        'import pytest\nfrom shop.cart import Cart\n\n@pytest.fixture\ndef cart():\n    return Cart(["a", "b"])\n'
    ),
    "tests/test_cart.py": TESTS,
}
TARGET = "shop/src/shop/cart.py::Cart.total"


@pytest.fixture
def project(user: CommandLine, tmp_path: Path) -> Path:
    """A project with a src layout that the user trusts."""
    root = tree(tmp_path / "shop", FILES)
    assert user.run("trust", str(root)).code == 0
    return root


def test_the_body_in_the_file_is_verified(user: CommandLine, project: Path) -> None:
    """The test is named, with why it was chosen. The one that does not call the function is not."""
    ran = user.run("verify", TARGET)
    assert (ran.code, ran.out.split(":")[0]) == (0, "verified"), ran.said
    assert "test_through_a_fixture names total" in ran.said
    assert "test_another" not in ran.said


def test_another_body_is_refuted(user: CommandLine, project: Path) -> None:
    """Its indentation does not matter, and the file stays as it is."""
    user.write("body.py", WRONG)
    ran = user.run("verify", TARGET, "--body", "body.py", "--json")
    assert ran.code == 1, ran.said
    assert ran.report["outcome"] == "refuted"
    (test,) = [test for test in ran.report["tests"] if test["run"] == "together"]
    assert (test["name"], test["status"]) == ("tests/test_cart.py::test_through_a_fixture", "failed")
    assert (project / "src/shop/cart.py").read_text() == CART


def test_a_body_that_no_test_tells_is_neither(user: CommandLine, project: Path) -> None:
    """Its own status, so that a script cannot take it for a pass."""
    ran = user.run("verify", "shop/src/shop/cart.py::untested")
    assert (ran.code, ran.out.split(":")[0]) == (3, "not judged")


@pytest.mark.parametrize("body", ["return nowhere\n", "return (\n", "pass\n"])
def test_a_body_that_cannot_be_run_is_neither(user: CommandLine, project: Path, body: str) -> None:
    """An unknown name, a mistake in the syntax, and no statement that does anything."""
    user.write("body.py", body)
    ran = user.run("verify", TARGET, "--body", "body.py")
    assert (ran.code, "not judged" in ran.said) == (3, True)


def test_an_untrusted_project_is_refused(user: CommandLine, tmp_path: Path) -> None:
    """Nothing of it is executed, and one sentence says how to trust it. Naming the folder is no trust."""
    root = tree(tmp_path / "shop", {**FILES, "src/shop/cart.py": CART + "\nopen('canary', 'w')\n"})
    for options in ((), ("--project", str(root))):
        ran = user.run("verify", TARGET, *options)
        assert ran.code == 3
        assert f"If you trust it: plum-lsp trust {root}" in ran.said


def test_the_project_can_be_named(user: CommandLine, project: Path) -> None:
    """A file outside of it is refused."""
    assert user.run("verify", TARGET, "--project", "shop").code == 0
    ran = user.run("verify", "add.py::add", "--project", "shop")
    assert (ran.code, "is not in" in ran.said) == (3, True)


def test_a_function_that_is_not_there(user: CommandLine, project: Path) -> None:
    """Wrong usage, like a file that is not there. The name is said."""
    for options in ((), ("--json",)):
        ran = user.run("verify", "shop/src/shop/cart.py::Cart.gone", *options)
        assert (ran.code, "has no function 'Cart.gone'" in ran.said) == (2, True)


def test_options_of_the_other_use_are_refused(user: CommandLine, project: Path) -> None:
    """Wrong usage."""
    assert user.run("verify", TARGET, "-o", "out").code == 2
    assert user.run("verify", "add.py", "--json").code == 2
    assert user.run("verify", "gone.py::f").code == 2
