"""A module beside the document can be imported, where the folder is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.editor import Editor
from support.projects import tree
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

CODE = '{head}\n\n\ndef f(n):\n    """\n    >>> f(2)\n    5\n    """\n    ‸\n'
HELPER = "def twice(n):\n    return n * 2\n"
PLACES = {
    "tools in a project": ("tools/code.py", {"pyproject.toml": "", "tools/helper.py": HELPER}, "import helper"),
    "tools without a project file": ("tools/code.py", {"tools/helper.py": HELPER}, "import helper"),
    "a folder without a name": ("reports/code.py", {"reports/helper.py": HELPER}, "import helper"),
    "a name of the standard library": ("work/string.py", {"work/helper.py": HELPER}, "import helper"),
    "the top of the workspace": ("code.py", {"helper.py": HELPER}, "import helper"),
    "a name that is no identifier": ("my tools/run-it.py", {"my tools/helper.py": HELPER}, "import helper"),
    "a script beside a package": (
        "jobs/nightly.py",
        {"pyproject.toml": "", "shop/__init__.py": "", "jobs/helper.py": HELPER},
        "import helper",
    ),
    "from the helper": ("tools/code.py", {"tools/helper.py": HELPER}, "from helper import twice\nimport helper"),
    "a package beside it": ("tools/code.py", {"tools/helper/__init__.py": HELPER}, "import helper"),
    "a helper of the helper": (
        "tools/code.py",
        {"tools/helper.py": "from deeper import twice\n", "tools/deeper.py": HELPER},
        "import helper",
    ),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
async def test_a_module_beside_the_document(tmp_path: Path, name: str, trusted: bool) -> None:
    """It is imported in a trusted folder. In another one it is not, and no candidate is blamed for that."""
    place, files, head = PLACES[name]
    tree(tmp_path / "work", {**files, place: ""})
    with ScriptedPolicy() as policy:
        policy.will_complete("return helper.twice(n) + 1\n")
        async with Editor.running(
            folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=trusted
        ) as editor:
            await editor.open(CODE.format(head=head), path=place)
            offer = await editor.suggest()
            told = await editor.explain()
            if trusted:
                assert offer is not None, told
                assert offer.tier == "verified", told
            else:
                assert offer is None, told
                assert "does not run" in told["detail"], told
