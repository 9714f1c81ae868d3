"""`plum-lsp verify FILE::QUALNAME`: a body of a file in a project, judged by the project's tests in a real sandbox."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from support.command_line import CommandLine
from support.projects import tree

from plum_lsp.config.folder import test_maps_folder as maps_folder
from plum_lsp.domain.verification import RunOutcome
from plum_lsp.project.mapping.stored import MappedFile, MappedTest, TestMap, digest_of, map_file, write_map
from plum_lsp.report.installation import command_here

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


def test_a_test_that_fails_with_the_saved_file_refutes_no_body(user: CommandLine, project: Path) -> None:
    """This one reads its own file, which no body may open. Another test still tells right from wrong."""
    reads = "def test_reads(cart):\n    total = cart.total()\n    assert open(__file__).read() and total\n"
    (project / "tests/test_reading.py").write_text(reads)
    (project / "tests/test_cart.py").write_text(
        f"{TESTS}\n\ndef test_text(cart):\n    assert str(cart.total()) == '3'\n"
    )
    ran = user.run("verify", TARGET, "--json")
    outcomes = {test["name"]: test["status"] for test in ran.report["tests"] if test["run"] == "together"}
    assert ran.report["outcome"] == "verified", ran.said
    assert "passed" in outcomes.values()
    assert "failed" not in outcomes.values()
    user.write("body.py", WRONG)
    assert user.run("verify", TARGET, "--body", "body.py", "--json").report["outcome"] == "refuted"


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
        assert f"If you trust it: {command_here()} trust {root}" in ran.said


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


def test_a_name_that_a_file_beside_imports_is_imported_for_the_body(user: CommandLine, project: Path) -> None:
    """As for a suggestion in the editor. The reason shows the import."""
    (project / "src/shop/cart.py").write_text(CART.replace("from .prices import price_of\n", ""))
    ran = user.run("verify", TARGET)
    assert ran.code == 0, ran.said
    assert "with from .prices import price_of" in ran.said


def test_the_map_that_the_server_left_is_used(user: CommandLine, project: Path) -> None:
    """It names tests that no name leads to, and `doctor` says whether it is up to date."""
    (project / "tests/test_cart.py").write_text("def test_hidden(make):\n    assert make() == 3\n")
    (project / "tests/conftest.py").write_text(
        "import importlib, pytest\n\n@pytest.fixture\ndef make():\n"
        '    made = vars(importlib.import_module("shop." + "cart"))["Ca" + "rt"]("ab")\n'
        '    return getattr(made, "to" + "tal")\n'
    )
    assert "2 project tests" not in user.run("verify", TARGET).said
    name = "tests/test_cart.py"
    test = MappedTest(
        name=f"{name}::test_hidden",
        wall_ms=2.0,
        outcome=RunOutcome.PASSED,
        called=frozenset({("src/shop/cart.py", "Cart.total")}),
    )
    known = TestMap({name: MappedFile(tests=(test,), digests={name: digest_of(project / name)})})
    write_map(map_file(maps_folder(user.folder / "data"), project), known)
    ran = user.run("verify", TARGET)
    assert ran.code == 0, ran.said
    assert "test_hidden called it in the last run of the suite" in ran.said
    doctor = CommandLine(folder=project, environ=user.environ).run("doctor", "--json")
    (found,) = [one for one in doctor.report["findings"] if one["part"] == "this project"]
    assert "map of tests up to date for 1 of 1 file" in found["detail"]


def test_what_is_judged_beside_a_body_has_its_imports(user: CommandLine, tmp_path: Path) -> None:
    """A doctest compares with a name that only the body's missing import gives."""
    doctest = '    """\n    >>> grid(2) == tuple(itertools.repeat(1, 2))\n    True\n    """\n'
    code = f"def grid(n):\n{doctest}    made = itertools.repeat(1, n)\n    return tuple(made)\n"
    test = "from shop.area import grid\n\ndef test_grid():\n    assert grid(3) == (1, 1, 1)\n"
    root = tree(tmp_path / "area", {**FILES, "src/shop/area.py": code, "tests/test_area.py": test})
    assert user.run("trust", str(root)).code == 0
    ran = user.run("verify", "area/src/shop/area.py::grid")
    assert (ran.code, "with import itertools" in ran.said) == (0, True), ran.said


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return lookup(host).strip()", 3),  # the error of the missing network
        ("return 'http://' + host if host.startswith('x') else lookup(host)", 1),
        ("return len(5) or lookup(host)", 1),
    ],
)
def test_only_what_the_network_causes_is_excused(user: CommandLine, tmp_path: Path, body: str, code: int) -> None:
    """A wrong value and a mistake have other causes, although the function asks the network elsewhere."""
    module = (
        "import socket\n\ndef lookup(host):\n    return socket.gethostbyname(host)\n\n"
        "def address(host):\n    return 'xmpp://' + host if host.startswith('x') else lookup(host)\n"
    )
    test = "from shop.net import address\n\ndef test_address():\n    assert address('x.org') == 'xmpp://x.org'\n"
    root = tree(tmp_path / "net", {**FILES, "src/shop/net.py": module, "tests/test_net.py": test})
    assert user.run("trust", str(root)).code == 0
    user.write("body.py", body + "\n")
    assert user.run("verify", "net/src/shop/net.py::address", "--body", "body.py").code == code


LACKING = {
    "pyproject.toml": FILES["pyproject.toml"],
    "src/shop/__init__.py": "from .words import joined\n",
    "src/shop/marks.py": 'COMMA = ", "\n',
    "tests/test_words.py": (
        "from shop.words import joined\n\n\ndef test_joined():\n    assert joined(['a', 'b']) == 'a, b'\n"
    ),
}
JOINED = "def joined(words):\n    found = list(words)\n    return COMMA.join(found)\n"


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("from .words import COMMA, joined\n", JOINED),
        (LACKING["src/shop/__init__.py"], f"{JOINED}\n\nPAIR = joined(COMMA + COMMA)\n".replace("joined(C", "len(C")),
    ],
    ids=["the package imports it from there", "the file uses it while it loads"],
)
def test_an_import_without_which_the_file_does_not_load_is_repaired(
    user: CommandLine, tmp_path: Path, package: str, words: str
) -> None:
    """The tests run in the file with the import that the body brings, and a wrong body is still refuted."""
    root = tree(tmp_path / "shop", {**LACKING, "src/shop/__init__.py": package, "src/shop/words.py": words})
    assert user.run("trust", str(root)).code == 0
    ran = user.run("verify", "shop/src/shop/words.py::joined")
    assert (ran.code, ran.out.split(":")[0]) == (0, "verified"), ran.said
    assert "with from .marks import COMMA" in ran.said
    assert "test_joined" in ran.said
    user.write("body.py", "return COMMA.join(sorted(words, reverse=True))\n")
    wrong = user.run("verify", "shop/src/shop/words.py::joined", "--body", "body.py")
    assert wrong.code == 1, wrong.said
    assert "test_joined" in wrong.said


def test_a_body_without_the_import_that_the_file_needs_is_not_run(user: CommandLine, tmp_path: Path) -> None:
    """It would be inserted without it, and the file would not load."""
    files = {**LACKING, "src/shop/__init__.py": "from .words import COMMA, joined\n", "src/shop/words.py": JOINED}
    root = tree(tmp_path / "shop", files)
    assert user.run("trust", str(root)).code == 0
    user.write("body.py", "return ', '.join(words)\n")
    ran = user.run("verify", "shop/src/shop/words.py::joined", "--body", "body.py")
    assert ran.out.startswith("not judged"), ran.said
    assert "cannot import name 'COMMA'" in " ".join(ran.said.split())
