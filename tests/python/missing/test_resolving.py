"""Which statement imports a name that a program lacks."""

from __future__ import annotations

import pytest

from plum_lsp.python.fitting.static import inserted, parse
from plum_lsp.python.missing.resolving import KnownImports, KnownModule, imports_of, uses_of

BEFORE = "def main(json, select):\n    json(select)\n\ndef f(n):\n    "


def found(name: str, text: str, known: KnownImports | None = None) -> tuple[str, ...]:
    """The statements for a name of the body of `f`. Another function has parameters named as modules."""
    tree = parse(BEFORE + text + "\n")
    assert not isinstance(tree, str)
    return imports_of(name, uses_of(tree, name, inserted(BEFORE, text)), known or KnownImports())


@pytest.mark.parametrize(
    ("name", "text", "statements"),
    [
        ("json", "return json.dumps(n)", ("import json",)),
        ("select", "return hasattr(select, 'poll') and select.select(n)", ("import select",)),
        ("math", "return getattr(math, n)(2)", ("import math",)),
        ("json", "return use(json, json.dumps(n))", ("import json",)),
        ("copy", "return copy(n)", ("from copy import copy",)),
        ("json", "return json(n)", ()),
        ("json", "return json", ()),
        (
            "urllib",
            "return urllib.parse.quote(urllib.request.urlopen(n))",
            ("import urllib.parse", "import urllib.request"),
        ),
        ("xml", "return xml.etree.ElementTree.fromstring(n)", ("import xml.etree.ElementTree",)),
        ("os", "return os.path.join(n, os.sep)", ("import os",)),
        ("current_thread", "return current_thread()", ("from threading import current_thread",)),
        ("import_module", "return import_module(n)", ("from importlib import import_module",)),
        ("EPOLLIN", "return EPOLLIN", ()),
        ("parse", "return parse(n)", ()),
        ("load_module", "return load_module(n)", ()),
    ],
)
def test_names_of_the_standard_library(name: str, text: str, statements: tuple[str, ...]) -> None:
    """Only the uses in the text count. A single word is not looked up, because the policy may have made it up."""
    assert found(name, text) == statements


def test_a_module_is_imported_as_far_as_the_body_uses_it() -> None:
    """The project's files say which parts of a package are modules."""
    known = KnownImports(statements={"rich": "import rich"}, submodules=frozenset({"rich.table", "rich.text"}))
    assert found("rich", "return rich.table.Table(rich.box)", known) == ("import rich.table",)
    assert found("rich", "return rich.print(n)", known) == ("import rich",)


def test_a_module_that_is_called_is_another_object() -> None:
    """The project's files import the module, and the body means the function of it."""
    known = KnownImports(statements={"random": "import random"})
    assert found("random", "return random()", known) == ("from random import random",)
    assert found("random", "return random.random()", known) == ("import random",)


def test_usual_aliases_need_their_package() -> None:
    """A package that is not installed cannot be imported."""
    assert found("plt", "return plt.plot(n)") == ()
    assert found("plt", "return plt.plot(n)", KnownImports(packages=frozenset({"matplotlib"}))) == (
        "import matplotlib.pyplot as plt",
    )


def test_a_module_of_the_project_needs_the_attributes() -> None:
    """A name with other attributes is something else."""
    known = KnownImports(modules={"tax": KnownModule("from . import tax", frozenset({"RATE"}))})
    assert found("tax", "return tax.RATE", known) == ("from . import tax",)
    assert found("tax", "return tax.amount", known) == ()


def test_a_member_of_a_package_counts_after_the_project_and_the_standard_library() -> None:
    """It is imported only if nothing nearer has the name."""
    members = {name: f"from attrs import {name}" for name in ("define", "field", "sqrt")}
    known = KnownImports(statements={"define": "from .own import define"}, members=members)
    assert found("define", "return define(n)", known) == ("from .own import define",)
    assert found("field", "return field(n)", known) == ("from attrs import field",)
    assert found("sqrt", "return sqrt(n)", known) == ("from math import sqrt",)
