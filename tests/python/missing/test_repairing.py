"""Which candidates get an import, and how often the file is read for it."""

from __future__ import annotations

import ast

import pytest
from support.contexts import context_at

from plum_lsp.domain.suggestion import Completion, Context, PolicyVersion
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.missing import repairing
from plum_lsp.python.missing.repairing import repaired
from plum_lsp.python.missing.resolving import KnownImports

VERSION = PolicyVersion(number=0, model="m", model_sha256="", adapter_sha256="")
BODY = "return json.dumps(n)"


def around(rest: str, name: str) -> Context:
    """A function without a body, and another function below it."""
    return context_at(f"def f(n):\n    ‸\n\ndef {name}(n):\n    return {rest}\n")


def imports_for(body: str, context: Context) -> tuple[str, ...]:
    candidate = make_candidate(Completion.written(body), context, VERSION)
    return repaired(candidate, context, KnownImports(), beside=True).imports


def test_a_name_that_the_file_lacks_elsewhere_too_gets_its_import() -> None:
    """It is no problem of the candidate, and without the import no candidate can run."""
    assert imports_for(BODY, around("json.loads(n)", "g")) == ("import json",)
    assert imports_for(BODY, around("n", "g")) == ("import json",)


def test_a_file_that_lacks_nothing_is_read_once_for_all_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names such as `copy` are often variables. A long file is not parsed again for each candidate that has one."""
    read: list[str] = []
    plain = repairing.parse

    def counted(source: str) -> ast.Module | str:
        read.append(source)
        return plain(source)

    monkeypatch.setattr(repairing, "parse", counted)
    context = around("n", "unlike_others")
    for number in range(5):
        assert imports_for(f"copy = n + {number}\n    return copy", context) == ()
    assert len(read) == 1
