"""A project of the user's own in the real editors: trusted once, it is used without a setting."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from support.editing import Desk, RealEditor, until
from support.neovim import Neovim
from support.projects import environment, install, tree
from support.vscode import VSCode

pytestmark = [pytest.mark.slow, pytest.mark.editors]

CART = '''"""What a customer buys."""

from shop.rates import RATE


class Cart:
    """Articles and their prices in cents."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.lines: list[tuple[str, int]] = []

    def add(self, name: str, price: int) -> None:
        """Put an article in."""
        self.lines.append((name, price))

    def total(self) -> int:
        """What is to be paid, with tax."""
        '''
NET = "return sum(price for _, price in self.lines)"
GROSS = f"{NET} * (100 + RATE) // 100"
PROJECT = {
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
    "src/shop/__init__.py": "",
    "src/shop/rates.py": "from priced import RATE\n\n__all__ = ['RATE']\n",
    "tests/conftest.py": (
        "import pytest\n\nfrom shop.cart import Cart\n\n\n"
        "@pytest.fixture\ndef cart():\n"
        "    filled = Cart('EUR')\n    filled.add('tea', 100)\n    filled.add('cup', 300)\n    return filled\n"
    ),
    "tests/test_cart.py": (
        "def test_tax_is_included(cart):\n    assert cart.total() == 476\n\n\n"
        "def test_one_more_article_counts(cart):\n    cart.add('pot', 100)\n    assert cart.total() == 595\n"
    ),
}
TESTS = ("test_tax_is_included", "test_one_more_article_counts")


def shop(root: Path) -> Path:
    """A project in the src layout, with its own environment, which holds pytest and a package that a module needs."""
    site = environment(tree(root, PROJECT) / ".venv")
    tree(site, {"priced.py": "RATE = 19\n"})
    install(site, "pytest", "pluggy", "iniconfig", "packaging", "pygments")
    return root


def test_a_trusted_project_verifies_with_its_own_tests(untrusting: Desk) -> None:
    """A method of a class with state, and a fixture in conftest.py: the evidence of the offer names the tests."""
    desk, editor = untrusting, untrusting.editor
    desk.policy.will_complete(f"{NET}\n", mean_logprob=-0.1)
    desk.policy.will_complete(f"{GROSS}\n", mean_logprob=-2.0)
    root = shop(desk.folder / "work" / "shop")
    path = desk.write(CART, "shop/src/shop/cart.py")
    if isinstance(editor, VSCode):
        editor.open(path, workspace=root, is_to_be_trusted=True)
    else:
        assert isinstance(editor, Neovim)
        editor.open(path)
        editor.command("trust")
        until(lambda: "plum: trusted" in editor.messages(), editor.messages)
        editor.press("trigger")
    desk.wait_for_ghost(GROSS)
    desk.wait_for_status("verified: passes 2 of 2 tests")
    editor.press("explain")
    for name in TESTS:
        until(partial(_names, editor, name), lambda: f"the evidence, there is {editor.evidence()!r}")
    editor.screenshot("project-tests")
    editor.press("accept")
    until(lambda: editor.content() == CART + GROSS, editor.content)
    desk.wait_for_fates("accepted")


def _names(editor: RealEditor, test: str) -> bool:
    return test in re.sub(r"[│\s]+", "", editor.evidence())


ROOT = 'def root(number):\n    """The square root.\n\n    >>> root(9)\n    3.0\n    """\n    '


def test_a_missing_import_comes_with_the_offer(desk: Desk, editor: RealEditor) -> None:
    """The candidate was run with the import; accepting the offer writes both."""
    desk.policy.will_complete("return math.sqrt(number)\n")
    editor.open(desk.write(ROOT))
    desk.wait_for_ghost("return math.sqrt(number)")
    desk.wait_for_status("verified: passes 1 of 1 test")
    editor.press("accept")
    until(lambda: editor.content() == f"import math\n\n\n{ROOT}return math.sqrt(number)", editor.content)
    desk.wait_for_fates("accepted")
