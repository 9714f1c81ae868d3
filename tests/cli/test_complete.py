"""`plum-lsp complete`, as a person or a script meets it: what is offered, what is said, and the exit status."""

from __future__ import annotations

import pytest
from support.command_line import ADD, RIGHT, WRONG, CommandLine
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

CANDIDATE_KEYS = {
    *("index", "text", "temperature", "seed", "mean_logprob"),
    *("duplicate_of", "tier", "reason", "verdicts"),
}
FENCE = 'def tag() -> str:\n    """A tag.\n\n    >>> tag()\n    \'[/red]:smile:\'\n    """\n'


@pytest.fixture(autouse=True)
def knows_add(policy: ScriptedPolicy) -> None:
    """The policy says the wrong thing with more confidence than the right one."""
    policy.will_complete(WRONG, mean_logprob=-0.01, when="def add")
    policy.will_complete(RIGHT, mean_logprob=-3.0, when="def add")


def test_the_right_candidate_is_offered(user: CommandLine) -> None:
    """Candidates, tests and verdicts are shown, then the offer, and where to read of it later."""
    ran = user.run("complete", "add.py", "--line", "9", "--all")
    assert ran.code == 0
    assert "verified (passes 2 of 2 tests)" in ran.said
    assert "rejected passes 0 of 2 tests: add(1, 2) gave -1" in ran.said
    assert "return a + b" in ran.out[ran.out.index("Offer:") :]
    assert "return a - b" not in ran.out[ran.out.index("Offer:") :]
    assert "plum-lsp explain" in ran.out.splitlines()[-1]


def test_the_result_of_an_example(user: CommandLine) -> None:
    """It is computed, so there are no temperatures to show."""
    (user.folder / "twice.py").write_text(
        'def twice(n):\n    """Twice.\n\n    >>> twice(3)\n    \n    """\n    return 2 * n\n'
    )
    ran = user.run("complete", "twice.py", "--line", "5")
    assert ran.code == 0, ran.said
    assert "computed in the sandbox, without the model" in ran.said
    assert "6" in ran.out[ran.out.index("Offer:") :]


def test_an_offer_as_json(user: CommandLine) -> None:
    """The shape that scripts rely on."""
    ran = user.complete("add.py", "--json", "--all", "--candidates", "3", "--seed", "7")
    assert ran.code == 0
    report = ran.report
    assert set(report) == {"request", "offer", "candidates"}
    offer = report["offer"]
    assert set(offer) == {"id", "text", "tier", "reason", "candidate", "tests"}
    assert (offer["text"].strip(), offer["tier"]) == ("return a + b", "verified")
    assert offer["tests"][0] | {"id": ""} == {
        "id": "",
        "setup": "",
        "call": "add(1, 2)",
        "expected": "3",
        "origin": "doctest",
    }
    candidates = report["candidates"]
    assert all(set(candidate) == CANDIDATE_KEYS for candidate in candidates)
    assert sorted(candidate["seed"] for candidate in candidates) == [7, 8, 9]
    assert candidates[offer["candidate"]]["text"] == offer["text"]
    verdicts = {one["text"].strip(): [v["status"] for v in one["verdicts"]] for one in candidates if one["verdicts"]}
    assert verdicts == {"return a + b": ["passed", "passed"], "return a - b": ["failed", "failed"]}
    assert {verdict["test"] for one in candidates for verdict in one["verdicts"]} == {t["id"] for t in offer["tests"]}


def test_an_abstention_as_json(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The wrong candidate alone is not offered; its verdicts are told."""
    policy.forget()
    policy.will_complete(WRONG)
    ran = user.complete("add.py", "--json")
    assert ran.code == 3
    assert set(ran.report) == {"request", "abstention", "candidates"}
    assert set(ran.report["abstention"]) == {"reason", "detail"}
    assert ran.report["abstention"]["reason"] == "all_failed"
    judged = [one["verdicts"] for one in ran.report["candidates"] if one["duplicate_of"] is None]
    assert [[v["shown"] for v in verdicts] for verdicts in judged] == [["-1", "-2"]]


def test_markup_in_the_users_text_is_shown_as_it_is(user: CommandLine, policy: ScriptedPolicy) -> None:
    """In tests, candidates and evidence, here and in what `explain` shows."""
    policy.will_complete("    return '[/red]:smile:'\n", when="def tag")
    user.write("tag.py", FENCE)
    ran = user.complete("tag.py", line=7)
    assert ran.code == 0
    assert ran.out.count("'[/red]:smile:'") >= 3
    assert "'[/red]:smile:'" in user.here("explain").out


def test_escape_sequences_of_a_candidate_do_not_reach_the_terminal(user: CommandLine, policy: ScriptedPolicy) -> None:
    """They are spelled out."""
    policy.forget()
    policy.will_complete("    note = '\x1b[2J'\n    return a + b\n")
    ran = user.complete("add.py", "--all")
    assert "\x1b" not in ran.out
    assert r"\x1b[2J" in ran.out


def test_a_terminal_without_unicode_is_served(user: CommandLine) -> None:
    """Characters that it does not have are spelled out, and JSON is ASCII anyway."""
    ran = user.run("complete", "add.py", "--line", "9", environ={"PYTHONIOENCODING": "ascii"})
    assert ran.code == 0
    assert r"\u2713" in ran.out


# Files


def test_a_file_that_does_not_parse_elsewhere(user: CommandLine) -> None:
    """The function at the cursor is completed all the same."""
    user.write("add.py", ADD + "\n\ndef broken(:\n    ((\n")
    assert user.complete().code == 0


def test_a_file_of_fifty_thousand_lines(user: CommandLine) -> None:
    """The function in the last of them is completed."""
    user.write("add.py", "def f(x):\n    return x\n\n\n" * 12_500 + ADD)
    assert user.complete(line=50_009).code == 0


def test_a_file_with_windows_line_ends(user: CommandLine) -> None:
    """Lines count as an editor counts them."""
    user.write("add.py", ADD.replace("\n", "\r\n"))
    ran = user.complete("add.py", "--json")
    assert (ran.code, ran.report["offer"]["text"].strip()) == (0, "return a + b")


def test_a_column_past_the_end_means_the_end(user: CommandLine) -> None:
    """As in an editor."""
    user.write("add.py", ADD.rstrip() + "\n    ")
    ran = user.complete("add.py", "--json", "--column", "400")
    assert (ran.code, ran.report["offer"]["text"].strip()) == (0, "return a + b")


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "# only a remark"])
def test_a_file_without_code(user: CommandLine, text: str) -> None:
    """Offers nothing and says why."""
    user.write("empty.py", text)
    ran = user.complete("empty.py", "--json", line=1)
    assert ran.code == 3
    assert ran.report["abstention"]["detail"]


# Settings that forbid


def test_paused_by_the_environment(user: CommandLine, policy: ScriptedPolicy) -> None:
    """Nobody is asked, and nothing is recorded."""
    ran = user.complete("add.py", "--json", PLUM_PRIVACY_PAUSED="true")
    assert (ran.code, ran.report["abstention"]["reason"], ran.report["candidates"]) == (3, "paused", [])
    assert policy.requests == []
    assert not (user.folder / "data" / "plum.sqlite3").exists()


def test_a_project_pauses_what_lies_below_it(user: CommandLine, policy: ScriptedPolicy) -> None:
    """And may do no more than that: the rest of its file is told and ignored."""
    user.write("project/.plum.toml", '[privacy]\npaused = true\n[policy]\nurl = "http://elsewhere.example/v1"\n')
    user.write("project/package/add.py", ADD)
    ran = user.complete("project/package/add.py")
    assert ran.code == 3
    assert "Nothing offered (paused)" in ran.out
    assert "policy.url" in ran.err
    assert policy.requests == []


def test_a_project_excludes_a_file_under_every_name(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The file itself, and a link to it from outside of the project."""
    user.write("project/.plum.toml", '[privacy]\nexclude = ["private/"]\n')
    file = user.write("project/private/add.py", ADD)
    (user.folder / "harmless.py").symlink_to(file)
    for name in ("project/private/add.py", "harmless.py"):
        ran = user.complete(name, "--json")
        assert (ran.code, ran.report["abstention"]["reason"]) == (3, "excluded")
    assert policy.requests == []


def test_an_excluded_file_is_not_even_read(user: CommandLine) -> None:
    """What it holds cannot matter."""
    user.write("my_credentials.py", b"\xff\xfe")
    assert "Nothing offered (excluded)" in user.complete("my_credentials.py").out


# What is amiss


def test_a_policy_that_is_dead(user: CommandLine, policy: ScriptedPolicy) -> None:
    """Nothing is offered; its address and what to do are told."""
    policy.stop()
    ran = user.complete()
    assert ran.code == 3
    assert "policy unavailable" in ran.said
    assert policy.url in ran.said
    assert "PLUM_POLICY_URL" in ran.said


def test_a_policy_that_dies_while_it_writes(user: CommandLine, policy: ScriptedPolicy) -> None:
    """What was cut off is no candidate."""
    policy.forget()
    policy.will_disconnect("    return a")
    ran = user.complete("add.py", "--json")
    assert (ran.code, ran.report["abstention"]["reason"]) == (3, "policy_unavailable")
    assert ran.report["candidates"] == []


def test_a_policy_that_hangs(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The deadline ends it."""
    policy.forget()
    policy.will_hang("    return")
    ran = user.complete("add.py", "--json", "--deadline-ms", "300")
    assert (ran.code, ran.report["abstention"]["reason"]) == (3, "deadline")


def test_a_model_that_is_missing_offline(user: CommandLine) -> None:
    """The command that fetches it is told."""
    ran = user.complete(PLUM_POLICY_URL="", PLUM_POLICY_OFFLINE="1")
    assert ran.code == 3
    assert "plum-lsp model fetch qwen2.5-coder-0.5b-instruct" in ran.said


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PLUM_POLICY_MODEL", "nonsense", "Known names: "),
        ("PLUM_POLICY_URL", "nonsense", "must start with http://"),
        ("PLUM_SAMPLING_CANDIDATE", "3", "did you mean PLUM_SAMPLING_CANDIDATES?"),
        ("PLUM_POLICY_API_KEY", "clé", "printable ASCII"),
        ("PLUM_POLICY_API_KEY", "two\nlines", "printable ASCII"),
        ("PLUM_CONFIG_FILE", "/nowhere/config.toml", "no such settings file"),
        ("PLUM_CONFIG_FILE", "/", "no such settings file"),
    ],
)
def test_a_mistake_in_the_settings(user: CommandLine, variable: str, value: str, told: str) -> None:
    """Ends the command with 1, is named, and comes with what to do."""
    ran = user.run("complete", "add.py", "--line", "9", environ={"PLUM_POLICY_URL": "", variable: value})
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.said


def test_a_settings_file_with_mistakes(user: CommandLine) -> None:
    """All of them are named at once."""
    file = user.write("config.toml", '[sampling]\ncandidates = "many"\n[ofers]\ndeadline_ms = 1\n')
    ran = user.run("complete", "add.py", "--line", "9", environ={"PLUM_CONFIG_FILE": str(file)})
    assert ran.code == 1
    assert "candidates" in ran.err
    assert "ofers" in ran.err


def test_the_projects_own_tests_verify_and_what_is_excluded_does_not(user: CommandLine) -> None:
    """They are found beside the file's package, and said to be the project's; not before the project is trusted."""
    user.write("project/pyproject.toml", "")
    user.write("project/shop/prices.py", "def add(a, b):\n\n")
    user.write(
        "project/tests/test_prices.py", "from shop.prices import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
    )
    ran = user.complete("project/shop/prices.py", "--json", line=2)
    assert ran.report.get("offer", {}).get("tests", []) == []
    assert "plum-lsp trust" in ran.err
    user.here("trust", "project")
    ran = user.complete("project/shop/prices.py", "--json", line=2)
    assert ran.report["offer"]["tier"] == "verified"
    (test,) = ran.report["offer"]["tests"]
    assert (test["origin"], test["call"], test["expected"]) == ("project", "add(2, 3)", "5")
    ran = user.complete("project/shop/prices.py", "--json", line=2, PLUM_PRIVACY_EXCLUDE="tests/")
    assert ran.report.get("offer", {}).get("tests", []) == []
