"""Which paths are left alone."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from plum_lsp.config import PrivacySettings
from plum_lsp.config.patterns import Patterns


@pytest.mark.parametrize(
    "path",
    [
        "/home/u/p/.env",
        ".env",
        "/home/u/p/.env.local",
        "/home/u/p/secrets.py",
        "/home/u/p/My_Secrets/plain.py",
        "/home/u/p/aws_credentials",
        "/home/u/p/.git/hooks/pre-commit",
    ],
)
def test_the_defaults_leave_secrets_alone(path: str) -> None:
    """Environment files, anything named secret or credential, and the insides of `.git`."""
    assert Patterns(PrivacySettings().exclude).cover(path)


@pytest.mark.parametrize("path", ["/home/u/p/main.py", "/home/u/environment/a.py", "/home/u/p/.github/x.yml", "/"])
def test_the_defaults_leave_the_rest_in(path: str) -> None:
    """Ordinary sources are read."""
    assert not Patterns(PrivacySettings().exclude).cover(path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("build", "/p/build/a.py", True),
        ("build/", "/p/sub/build/a.py", True),
        ("build/**", "/p/build/a.py", True),
        ("build/**", "/p/build", False),
        ("/p/*.py", "/p/a.py", True),
        ("/p/*.py", "/q/p/a.py", False),
        ("/p/*.py", "/p/sub/a.py", False),
        ("sub/*.py", "/p/sub/a.py", True),
        ("a/**/z.py", "/a/z.py", True),
        ("a/**/z.py", "/a/b/c/z.py", True),
        ("a/**/z.py", "/b/z.py", False),
        ("te?t.py", "/p/test.py", True),
        ("te?t.py", "/p/te/t.py", False),
        ("[ab].py", "/p/b.py", True),
        ("*.PEM", "/p/key.pem", True),
        ("./keys", "/p/keys", True),
        ("**", "/anything", True),
        ("", "/anything", False),
        ("win\\dir", "/p/win/dir/a.py", True),
    ],
)
def test_patterns_mean_what_ignore_files_mean(pattern: str, path: str, expected: bool) -> None:
    """Any depth unless anchored, folders cover what is in them, case does not matter."""
    assert Patterns([pattern]).cover(PurePosixPath(path)) is expected


@pytest.mark.timeout(20)
def test_a_hostile_pattern_costs_no_time() -> None:
    """A project's file may hold any pattern; matching ends (exponential matching would not)."""
    patterns = ["**/" * 60 + "x", "*a" * 60 + "b", "**/" * 5000]
    assert Patterns(patterns).cover("/" + "/".join(["a" * 60] * 60))
