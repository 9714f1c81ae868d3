"""`plum-lsp doctor`: what works is said to work, and what does not comes with what to do about it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from support import without_isolation
from support.command_line import CommandLine, Ran
from support.scripted_policy import ScriptedPolicy

from plum_lsp.policy.models.catalogue import find_entry

pytestmark = pytest.mark.slow

PARTS = ["settings", "python", "model", "policy server", "sandbox", "store", "disk", "trust", "this project"]


def findings(ran: Ran) -> dict[str, Any]:
    """The findings by part."""
    assert set(ran.report) == {"version", "findings"}
    for finding in ran.report["findings"]:
        assert set(finding) == {"part", "state", "detail", "remedy"}
    return {finding["part"]: finding for finding in ran.report["findings"]}


def test_a_healthy_machine(user: CommandLine) -> None:
    """Every part is named, each is well, and there is nothing to do."""
    ran = user.here("doctor", "--json")
    found = findings(ran)
    assert list(found) == PARTS
    assert {finding["state"] for finding in found.values()} <= {"ok", "warning"}
    assert {found[part]["remedy"] for part in PARTS[:-1]} == {""}
    assert ran.code == 0


@pytest.mark.parametrize(
    ("part", "environ", "remedy"),
    [
        ("python", {"PLUM_SANDBOX_INTERPRETER": "/nowhere/python"}, "sandbox.interpreter"),
        ("model", {"PLUM_POLICY_URL": "", "PLUM_POLICY_OFFLINE": "1"}, "plum-lsp model fetch"),
        ("model", {"PLUM_POLICY_URL": "", "PLUM_POLICY_MODEL": "nonsense"}, "Known names"),
        ("policy server", {"PLUM_POLICY_URL": "http://127.0.0.1:9/v1"}, "PLUM_POLICY_URL"),
        ("policy server", {"PLUM_POLICY_API_KEY": "wrong"}, "PLUM_POLICY_API_KEY"),
        ("sandbox", {"PLUM_SANDBOX_INTERPRETER": "/bin/false"}, "interpreter"),
        ("store", {"PLUM_DATA_DIR": "/proc/nowhere"}, "PLUM_DATA_DIR"),
        ("disk", {"PLUM_CACHE_DIR": "/proc/nowhere"}, "PLUM_CACHE_DIR"),
    ],
)
def test_a_part_that_fails(user: CommandLine, part: str, environ: dict[str, str], remedy: str) -> None:
    """It is the one that is blamed; the others are examined all the same."""
    ran = user.here("doctor", "--json", environ=environ)
    found = findings(ran)
    assert list(found) == PARTS
    assert found[part]["state"] == "failed"
    assert remedy in found[part]["remedy"]
    assert ran.code == 1


def test_a_model_file_that_was_cut_off(user: CommandLine) -> None:
    """Fetching it again is the remedy."""
    entry = find_entry("smollm2-135m-instruct")
    user.write(f"cache/models/{entry.file}", b"GGUF")
    ran = user.here("doctor", "--json", environ={"PLUM_POLICY_URL": "", "PLUM_POLICY_MODEL": entry.name})
    model = findings(ran)["model"]
    assert (ran.code, model["state"]) == (1, "failed")
    assert entry.name in model["remedy"]


def test_a_kernel_without_isolation(user: CommandLine) -> None:
    """What it lacks is told."""
    ran = user.run("doctor", "--json", under=(sys.executable, without_isolation.__file__))
    sandbox = findings(ran)["sandbox"]
    assert (ran.code, sandbox["state"]) == (1, "failed")
    assert "Landlock" in sandbox["remedy"]


def test_a_store_that_is_no_database(user: CommandLine) -> None:
    """Moving it away is the remedy, and it is left as it is."""
    store = user.write("data/plum.sqlite3", "this is no database" * 100)
    ran = user.here("doctor", "--json")
    found = findings(ran)["store"]
    assert (ran.code, found["state"], "Move it away" in found["remedy"]) == (1, "failed", True)
    assert store.read_text() == "this is no database" * 100


def test_settings_that_are_wrong(user: CommandLine) -> None:
    """Nothing else can be examined under them."""
    ran = user.here("doctor", "--json", environ={"PLUM_SAMPLING_CANDIDATES": "many"})
    found = findings(ran)
    assert (ran.code, list(found), found["settings"]["state"]) == (1, ["settings"], "failed")
    assert "docs/settings.md" in found["settings"]["remedy"]


def test_a_person_reads_the_same(policy: ScriptedPolicy, user: CommandLine) -> None:
    """With the remedy below what failed, and brackets in a path shown as they are."""
    policy.stop()
    ran = user.here("doctor", environ={"PLUM_DATA_DIR": str(user.folder / "[bold]")})
    assert ran.code == 1
    assert "✗ policy server" in ran.said
    assert "→ Check that it runs" in ran.said
    assert "[bold]" in "".join(ran.out.split())
