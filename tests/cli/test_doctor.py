"""`plum-lsp doctor`: what works is said to work, and what does not comes with what to do about it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import without_isolation
from support.command_line import PLUM_LSP, CommandLine, Ran
from support.raw_server import Answer, RawServer, Seen, refuse, text_event
from support.scripted_policy import ScriptedPolicy
from support.terminal import Terminal

from plum_lsp.policy.models.catalogue import find_entry

pytestmark = pytest.mark.slow

PARTS = [
    *("settings", "pause", "python", "model", "policy server", "sandbox", "store", "disk", "metrics", "training"),
    *("trust", "this project"),
]

TERMINAL_SECONDS = 120.0
"""A busy machine takes a minute for all checks."""


def findings(ran: Ran) -> dict[str, Any]:
    """The findings by part."""
    assert set(ran.report) == {"version", "findings"}
    for finding in ran.report["findings"]:
        assert set(finding) == {"part", "state", "detail", "remedy"}
    return {finding["part"]: finding for finding in ran.report["findings"]}


def test_a_healthy_machine(policy: ScriptedPolicy, user: CommandLine) -> None:
    """Every part is named, each is well, and there is nothing to do."""
    policy.will_complete(" a + b\n")
    ran = user.here("doctor", "--json")
    found = findings(ran)
    assert list(found) == PARTS
    assert {finding["state"] for finding in found.values()} <= {"ok", "warning"}
    assert {found[part]["remedy"] for part in PARTS if part not in {"training", "this project"}} == {""}
    assert ran.code == 0


@pytest.mark.parametrize(
    ("part", "environ", "remedy"),
    [
        ("python", {"PLUM_SANDBOX_INTERPRETER": "/nowhere/python"}, "sandbox.interpreter"),
        ("model", {"PLUM_POLICY_URL": "", "PLUM_POLICY_OFFLINE": "1"}, "plum-lsp model fetch"),
        ("model", {"PLUM_POLICY_URL": "", "PLUM_POLICY_MODEL": "nonsense"}, "Known names"),
        ("policy server", {"PLUM_POLICY_URL": "http://127.0.0.1:9/v1"}, "PLUM_POLICY_URL"),
        ("policy server", {"PLUM_POLICY_API_KEY": "wrong"}, "PLUM_POLICY_API_KEY"),
        ("sandbox", {"PLUM_SANDBOX_INTERPRETER": "/bin/false"}, "sandbox.interpreter"),
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


def test_a_terminal_shows_what_is_being_checked(user: CommandLine) -> None:
    """While the model writes. The findings stand in its place afterwards, and a pipe gets nothing of it."""
    may_write = threading.Event()

    def answer(seen: Seen) -> Answer:
        may_write.wait(TERMINAL_SECONDS)
        return Answer(body=[WRITES])

    with RawServer(answer) as server:
        environ = {**user.environ, "PLUM_POLICY_URL": server.url}
        command = ["sh", "-c", f"{PLUM_LSP} doctor; read ended"]
        with Terminal(command, env=environ, cwd=user.folder, rows=60) as terminal:
            waiting = "Checking policy server"
            terminal.wait(lambda: waiting in terminal.text, waiting, seconds=TERMINAL_SECONDS)
            may_write.set()
            told = "read without problems"
            terminal.wait(lambda: told in terminal.text, told, seconds=TERMINAL_SECONDS)
            assert "Checking" not in terminal.text
        ran = user.run("doctor", environ={"PLUM_POLICY_URL": server.url})
    assert "Checking" not in ran.said


WRITES = text_event(" a + b\n", finish_reason="stop")
CHAT = b'data: {"choices": [{"delta": {"content": "return a + b\\n"}, "finish_reason": "stop"}]}\n\n'
NOT_FOUND = refuse(404, {"detail": "Not Found"})
OWNERS = ["vllm", "llamacpp", "library", "organization_owner", "mistralai"]
NAMES = ["vLLM", "llama.cpp", "Ollama", "LM Studio", "Mistral"]


def without(name: str, words: str) -> Callable[[Seen], Answer]:
    """A server that refuses one field."""
    return lambda seen: refuse(400, {"error": words}) if name in seen.body else Answer(body=[WRITES])


def through_chat(seen: Seen) -> Answer:
    """A server for chat alone."""
    return Answer(body=[CHAT]) if seen.path == "/v1/chat/completions" else NOT_FOUND


SERVERS: dict[str, tuple[Callable[[Seen], Answer], str, str]] = {
    "well": (lambda seen: Answer(body=[WRITES]), "ok", "wrote a line in"),
    "no log-probabilities": (without("logprobs", "logprobs is unknown"), "ok", "asked without logprobs"),
    "no seed": (without("seed", "seed is unknown"), "ok", "asked without seed"),
    "no n": (without("n", "n must be 1"), "ok", "asked for each candidate alone"),
    "chat alone": (through_chat, "warning", "asked through its chat endpoint"),
    "nothing": (lambda seen: Answer(body=[text_event("", finish_reason="stop")]), "warning", "empty"),
    "neither": (lambda seen: NOT_FOUND, "failed", "404"),
    "moved": (lambda seen: Answer(status=308, headers={"Location": "https://new.example/v1"}), "failed", "new.example"),
    "quota": (lambda seen: refuse(429, {"error": "quota"}, **{"Retry-After": "600"}), "failed", "quota"),
    "a page": (lambda seen: Answer(body=[b"<html>hello</html>"]), "failed", "hello"),
    "error event": (lambda seen: Answer(body=[b'data: {"error": "no slot"}\n\n']), "failed", "no slot"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_with_its_own_habits(user: CommandLine, name: str) -> None:
    """A real completion shows what the server refuses, and what is done about it."""
    answer, state, told = SERVERS[name]
    with RawServer(answer) as server:
        found = findings(user.here("doctor", "--json", environ={"PLUM_POLICY_URL": server.url}))["policy server"]
    assert (found["state"], told in found["detail"]) == (state, True), found
    assert state == "ok" or found["remedy"] or name in {"a page", "error event"}


@pytest.mark.parametrize(("owner", "name"), list(zip(OWNERS, NAMES, strict=True)))
def test_kind_of_server(user: CommandLine, owner: str, name: str) -> None:
    """The owner of the models tells which program it is, or a header."""
    models = Answer(body=[json.dumps({"data": [{"id": "m", "owned_by": owner}]}).encode()])
    with RawServer(lambda seen: Answer(body=[WRITES]), models=models) as server:
        found = findings(user.here("doctor", "--json", environ={"PLUM_POLICY_URL": server.url}))["policy server"]
    assert f"({name})" in found["detail"]


def test_kind_of_a_proxy(user: CommandLine) -> None:
    """A proxy calls every model OpenAI's, and is known by its headers."""
    models = Answer(headers={"X-LiteLLM-Version": "1"}, body=[b'{"data": [{"id": "m", "owned_by": "openai"}]}'])
    with RawServer(lambda seen: Answer(body=[WRITES]), models=models) as server:
        found = findings(user.here("doctor", "--json", environ={"PLUM_POLICY_URL": server.url}))["policy server"]
    assert "(LiteLLM)" in found["detail"]


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
    assert (ran.code, found["state"], "move it away" in found["remedy"]) == (1, "failed", True)
    assert store.read_text() == "this is no database" * 100


def test_settings_that_are_wrong(user: CommandLine) -> None:
    """They are named, and the rest is examined with what could be read."""
    ran = user.here("doctor", "--json", environ={"PLUM_SAMPLING_CANDIDATES": "many"})
    found = findings(ran)
    assert (ran.code, list(found), found["settings"]["state"]) == (1, PARTS, "failed")
    assert "docs/settings.md" in found["settings"]["remedy"]


def test_a_person_reads_the_same(policy: ScriptedPolicy, user: CommandLine) -> None:
    """With the remedy below what failed, and brackets in a path shown as they are."""
    policy.stop()
    ran = user.here("doctor", environ={"PLUM_DATA_DIR": str(user.folder / "[bold]")})
    assert ran.code == 1
    assert "✗ policy server" in ran.said
    assert "→ Check that it runs" in ran.said
    assert "✓" not in ran.out.partition("✗")[2], "what failed is at the end, where a terminal stands"
    assert "[bold]" in "".join(ran.out.split())
