"""A pilot as an editor lives through it: real server, real sandbox, real store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file
from plum_lsp.domain.pilot import Arm, Measure, Pilot, Plan, arm_of
from plum_lsp.store.pilots import start_pilot, stop_pilot
from plum_lsp.store.records import instant

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'


def knows_add(policy: ScriptedPolicy) -> None:
    """The first sample is wrong, the second right."""
    policy.will_complete("return a - b\n", mean_logprob=-0.1)
    policy.will_complete("return a + b\n", mean_logprob=-0.2)


def started(folder: Path, *, is_shadow: bool = False) -> Pilot:
    """A pilot of two weeks that runs now, with half of the requests as its control."""
    now = datetime.now(UTC)
    plan = Plan(
        name="first",
        control_share=0.5,
        is_shadow=is_shadow,
        measure=Measure.KEPT,
        gain_min=0.1,
        effect_min=None,
        starts_at=instant(now.timestamp()),
        ends_at=instant((now + timedelta(weeks=2)).timestamp()),
    )
    return start_pilot(store_file(folder / "data"), plan, now=plan.starts_at)


def document(pilot: Pilot, arm: Arm, *, folder: Path) -> str:
    """A document that has this arm today, and also tomorrow: a test may run over midnight."""
    days = [(datetime.now(UTC) + timedelta(days=more)).date().isoformat() for more in (0, 1)]
    names = (folder / "work" / f"file_{number}.py" for number in range(1000))
    return next(path.as_uri() for path in names if all(arm_of(pilot, path.as_uri(), day) is arm for day in days))


async def ask(editor: Editor, uri: str, *, automatic: bool = True) -> tuple[str, str, str]:
    """What is offered in a new file: its text, its tier and why."""
    await editor.open(ADD, uri=uri)
    offer = await editor.suggest(automatic=automatic)
    assert offer is not None
    await editor.close()
    return offer.text, offer.tier, offer.evidence["reason"]


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """What stands in the store."""
    with closing(sqlite3.connect(store_file(folder / "data"))) as db:
        return db.execute(sql).fetchall()


ARMS = "SELECT document_uri, arm FROM requests ORDER BY rowid"
RAN = """SELECT document_uri, count(judgements.sandbox_tier), count(verdicts.status)
FROM requests JOIN judgements ON judgements.request_id = requests.id
LEFT JOIN verdicts ON verdicts.request_id = requests.id GROUP BY requests.id ORDER BY requests.rowid"""


async def test_control_documents_get_the_first_sample_untested(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Other documents get tested suggestions. The store says which was which, and that nothing of a control ran."""
    knows_add(policy)
    pilot = started(tmp_path)
    control, tested = (document(pilot, arm, folder=tmp_path) for arm in (Arm.CONTROL, Arm.TESTED))
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        text, tier, reason = await ask(editor, control)
        assert (text, tier) == ("return a - b", "unverified")
        assert "the pilot first shows it without tests" in reason
        assert (await ask(editor, tested))[:2] == ("return a + b", "verified")
    assert rows(tmp_path, ARMS) == [(control, "control"), (tested, "tested")]
    (of_control, *nothing), (of_tested, ran, verdicts) = rows(tmp_path, RAN)
    assert (of_control, nothing) == (control, [0, 0])
    assert of_tested == tested
    assert isinstance(ran, int)
    assert isinstance(verdicts, int)
    assert min(ran, verdicts) > 0
    sampled = "SELECT count(*) FROM candidates GROUP BY request_id ORDER BY min(rowid)"
    assert next(iter(rows(tmp_path, sampled))) == (1,)


async def test_who_asks_gets_a_tested_suggestion(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """In a control document, too. The request is not compared."""
    knows_add(policy)
    control = document(started(tmp_path), Arm.CONTROL, folder=tmp_path)
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        assert (await ask(editor, control, automatic=False))[:2] == ("return a + b", "verified")
    assert rows(tmp_path, ARMS) == [(control, "outside")]


async def test_a_shadow_pilot_tests_afterwards(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The offer is the same. Later the store knows that it was wrong, and the offer is still called unverified."""
    knows_add(policy)
    control = document(started(tmp_path, is_shadow=True), Arm.CONTROL, folder=tmp_path)
    verdicts = "SELECT status FROM verdicts"
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        await editor.open(ADD, uri=control)
        offer = await editor.suggest(automatic=True)
        assert offer is not None
        assert (offer.text, offer.tier) == ("return a - b", "unverified")
        await editor.until(lambda: bool(rows(tmp_path, verdicts)))
        assert (await editor.explain())["tier"] == "unverified"
    assert rows(tmp_path, verdicts) == [("failed",)]
    assert rows(tmp_path, "SELECT tier FROM offers") == [("unverified",)]


async def test_a_running_editor_hears_of_the_end(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """After the stop the same document gets tested suggestions, without a restart."""
    knows_add(policy)
    control = document(started(tmp_path), Arm.CONTROL, folder=tmp_path)
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        assert (await ask(editor, control))[1] == "unverified"
        assert stop_pilot(store_file(tmp_path / "data"), now=instant(datetime.now(UTC).timestamp())) is not None
        assert (await ask(editor, control))[1] == "verified"
    assert rows(tmp_path, ARMS) == [(control, "control"), (control, None)]
