"""A missing import is repaired: the candidate is run with it, and the offer brings it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from lsprotocol import types
from support.cases import Case, Desk
from support.editor import Editor, capabilities
from support.projects import tree
from support.scripted_policy import ScriptedPolicy

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


def function(example: str, value: str, above: str = "") -> str:
    """A function with two examples that say the same, and the cursor in its body."""
    return f'{above}def f(n):\n    """\n    >>> {example}\n    {value}\n    """\n    ‸\n'


BODIES = {
    "a module": (function("f(9)", "3.0"), "return math.sqrt(n)", "import math"),
    "two modules": (function("f(2.5)", '"3"'), "return json.dumps(math.ceil(n))", "import json\n    import math"),
    "a class": (
        function("f('aab')", "[('a', 2)]"),
        "return Counter(n).most_common(1)",
        "from collections import Counter",
    ),
    "a function": (function("f([1, 2])", "[1, 3]"), "return list(accumulate(n))", "from itertools import accumulate"),
    "a class by its method": (
        function("f('2024-05-06')", "5"),
        "return datetime.fromisoformat(n).month",
        "from datetime import datetime",
    ),
    "a module by its class": (
        function("f(2)", "2.0"),
        "return datetime.timedelta(0, n).total_seconds()",
        "import datetime",
    ),
    "a module in a package": (function("f('a b')", "'a%20b'"), "return urllib.parse.quote(n)", "import urllib.parse"),
    "a path": (function("f('a/b.txt')", "'b.txt'"), "return Path(n).name", "from pathlib import Path"),
    "a regular expression": (function("f('a1b22')", "['1', '22']"), "return re.findall(r'\\d+', n)", "import re"),
    "a function of math": (function("f(9)", "0.0"), "return log(n) - log(n)", "from math import log"),
    "a module under a private name": (
        function("f([1, 2])", "[1, 3]"),
        "return list(_itertools.accumulate(n))",
        "import itertools as _itertools",
    ),
    "a function under a private name": (
        function("f([1, 2])", "[(1, 1)]"),
        "return list(_islice(zip(n, n), 1))",
        "from itertools import islice as _islice",
    ),
    "what other code lacks, too": (
        function("f(9)", "3.0", above="def g(n):\n    return math.floor(n)\n\n\n"),
        "return math.sqrt(n)",
        "import math",
    ),
    "below other imports": (
        function("f(9)", "3.0", above="import os\nimport sys\n\n\n"),
        "return math.sqrt(n)",
        "import math",
    ),
}
REFUSED = {
    "a name that nothing has": (function("f(1)", "1"), "return frobnicate(n)"),
    "a name that several have": (function("f(1)", "1"), "return loads(n)"),
    "a module without that part": (function("f(1)", "1"), "return math.squareroot(n)"),
    "a logger": (function("f(1)", "1"), "log.debug(n)\n    return n"),
    "a module that is called": (function("f(1)", "1"), "return json(n)"),
    "one of two": (function("f(9)", "3.0"), "return math.sqrt(frobnicate(n))"),
    "a package that is not there": (function("f(1)", "1"), "return a_package_that_is_not_there.go(n)"),
}
CASES = [
    *(
        Case(name, text, f"{body}\n", offered=f"{lines}\n    {body}", tiers=("verified",))
        for name, (text, body, lines) in BODIES.items()
    ),
    *(
        Case(f"not repaired: {name}", text, f"{body}\n", nothing=True, words="undefined name")
        for name, (text, body) in REFUSED.items()
    ),
    Case("wrong all the same", function("f(9)", "3.0"), "return math.floor(n)\n", nothing=True, reason="all_failed"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_inside_the_body(desk: Desk, case: Case) -> None:
    """For an editor that applies no edits, the import is a part of the body."""
    await desk.check(case)


PLACES: Mapping[str, tuple[str, str]] = {
    "an empty top": (function("f(9)", "3.0"), "import math\n\n\ndef f(n):"),
    "below imports": (function("f(9)", "3.0", above="import os\n\n\n"), "import os\nimport math\n\n\ndef f"),
    "below a docstring": (
        function("f(9)", "3.0", above='"""Roots."""\n\n\n'),
        '"""Roots."""\n\nimport math\n\n\ndef f',
    ),
    "below a future": (
        function("f(9)", "3.0", above="from __future__ import annotations\n\n\n"),
        "from __future__ import annotations\nimport math\n\n\ndef f",
    ),
    "below a comment": (
        function("f(9)", "3.0", above="#!/usr/bin/python\n# Roots\n\n"),
        "# Roots\n\nimport math\n\n\ndef f",
    ),
    "below an import of several lines": (
        function("f(9)", "3.0", above="from os import (\n    path,\n    sep,\n)\n\n\n"),
        "    sep,\n)\nimport math\n\n\ndef f",
    ),
    "CRLF": (
        function("f(9)", "3.0", above="import os\n\n\n").replace("\n", "\r\n"),
        "import os\r\nimport math\r\n\r\n",
    ),
}


def edited(text: str, edits: list[types.TextEdit]) -> str:
    """A text after edits that insert whole lines."""
    lines = text.splitlines(keepends=True)
    for edit in edits:
        assert edit.range.start == edit.range.end
        assert edit.range.start.character == 0
        lines.insert(edit.range.start.line, edit.new_text)
    return "".join(lines)


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.asyncio(loop_scope="function")
async def test_beside_the_entry_of_a_menu(tmp_path: Path, name: str) -> None:
    """The entry has the import as an additional edit at the top of the file, and says that it was run with it."""
    text, expected = PLACES[name]
    with ScriptedPolicy() as policy:
        policy.will_complete("return math.sqrt(n)\n")
        able = capabilities(inline=False)
        async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
            await editor.open(text)
            (item,) = await editor.complete()
            assert item.text_edit is not None
            assert item.text_edit.new_text == "return math.sqrt(n)"
            assert expected in edited(editor.text, list(item.additional_text_edits or ()))
            assert "with import math" in (await editor.explain())["reason"]


@pytest.mark.asyncio(loop_scope="function")
async def test_after_ghost_text_is_accepted(tmp_path: Path) -> None:
    """The editor is asked to add the import once the offer is accepted, and not before. Once it is there, it is not."""
    able = capabilities()
    assert able.workspace is not None
    able.workspace.apply_edit = True
    with ScriptedPolicy() as policy:
        policy.will_complete("return math.sqrt(n)\n")
        async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
            asked: list[types.ApplyWorkspaceEditParams] = []

            @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
            def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
                asked.append(params)
                return types.ApplyWorkspaceEditResult(applied=True)

            offer = await editor.suggest(function("f(9)", "3.0"))
            assert offer is not None
            assert (offer.text, offer.tier) == ("return math.sqrt(n)", "verified")
            assert "with import math" in offer.evidence["reason"]
            assert asked == []
            assert (await editor.accept(offer))["recorded"]
            await editor.explain()
            (params,) = asked
            changes = params.edit.changes
            assert changes is not None
            assert edited(editor.text, list(changes[offer.uri])).startswith("import math\n\n\ndef f(n):")


IMPORTS = ("from shop.prices import net\n", "import shop.prices as pr\n", "from .prices import net\n")
PROJECT = {
    "as its neighbours import it": ("from shop.prices import net", "return net(n)", "4"),
    "by their alias": ("import shop.prices as pr", "return pr.net(n)", "4"),
    "where no other file imports it": ("", "return net(n)", "4"),
    "in two ways": ("from shop.prices import net\nfrom shop.other import net", "return net(n)", ""),
}


@pytest.mark.parametrize("name", PROJECT)
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
@pytest.mark.asyncio(loop_scope="function")
async def test_a_name_of_the_project(tmp_path: Path, name: str, trusted: bool) -> None:
    """In a trusted project a name is imported as its other files import it, if they agree."""
    head, body, value = PROJECT[name]
    shop = tmp_path / "work" / "shop"
    shop.mkdir(parents=True)
    (tmp_path / "work" / "pyproject.toml").touch()
    for file, text in {"__init__": "", "prices": "def net(n):\n    return n * 2\n", "uses": head, "till": ""}.items():
        (shop / f"{file}.py").write_text(text + "\n")
    with ScriptedPolicy() as policy:
        policy.will_complete(body + "\n")
        async with Editor.running(
            folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=trusted
        ) as editor:
            await editor.open(function("f(2)", "4"), path="shop/till.py")
            offer = await editor.suggest()
            told = await editor.explain()
            if trusted and value:
                assert offer is not None, told
                assert offer.tier == "verified", told
                assert offer.text.startswith(IMPORTS)
            else:
                assert offer is None, told
                assert "undefined name" in told["text"], told


@pytest.mark.asyncio(loop_scope="function")
async def test_where_the_project_does_not_load_without_the_import(tmp_path: Path) -> None:
    """The project's test runs in the file with the import. A candidate that does not bring it is not run."""
    words = "def joined(words):\n    ‸\n"
    tree(
        tmp_path / "work",
        {
            "pyproject.toml": "[project]\nname = 'shop'\n",
            "shop/__init__.py": "from .words import COMMA, joined\n",
            "shop/marks.py": 'COMMA = ", "\n',
            "shop/words.py": words.replace("‸", "raise NotImplementedError"),
            "tests/test_words.py": (
                "from shop.words import joined\n\n\ndef test_joined():\n    assert joined(['a', 'b']) == 'a, b'\n"
            ),
        },
    )
    able = capabilities()
    assert able.workspace is not None
    able.workspace.apply_edit = True
    with ScriptedPolicy() as policy:
        for body in ("return ', '.join(words)", "return COMMA.join(words)", "return words[0] + COMMA"):
            policy.will_complete(f"{body}\n")
        async with Editor.running(
            folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able, trusted=True
        ) as editor:
            await editor.open(words, path="shop/words.py")
            offer = await editor.suggest()
            assert offer is not None, editor.statuses
            assert (offer.text, offer.tier) == ("return COMMA.join(words)", "verified")
            assert "with from .marks import COMMA" in offer.evidence["reason"]
