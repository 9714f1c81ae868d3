"""Several people's stores in one round: what is read, held out, bounded and withdrawn, counted by other means.

The counting reads the SQLite files and the round's own rows. It uses none of the trainer's code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.learning import fill, group, tiny_settings, tiny_trainer
from support.tiny_model import LINES

from plum_lsp.config import Settings
from plum_lsp.config.folder import share_file, store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.feedback.sharing import Sharer
from plum_lsp.project.roots import placed
from plum_lsp.store import migrations, open_store
from plum_lsp.store.database import connect
from plum_lsp.store.identity import Identity
from plum_lsp.store.people.sharing import begin_sharing, holders, withdraw
from plum_trainer.loop.daemon import _plan, improve
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.trainer import Trainer

ANN, BOB, CAT, DAN, EVE, MAL = (f"{number:x}" * 16 for number in (1, 2, 3, 4, 5, 6))
SHARE = 0.4
FUNCTIONS = {ANN: range(20), BOB: range(10, 50), CAT: range(50, 60), DAN: range(60, 70), EVE: range(70, 90)}
PLANTED = range(100, 220)
"""Many more than anyone else has, each with the wrong body passing and the right one failing."""


def write(folder: Path, author: str, numbers: range, *, is_poisoned: bool = False) -> Path:
    """The shared store of one person, as the person's server writes it."""
    path = folder / f"{author}-{'a' * 16}.sqlite3"
    store = open_store(path, shared_by=Identity(author=author, machine="a" * 16), clean=Sharer(placed, home="/home/x"))
    for number in numbers:
        for event in group(number, is_poisoned=is_poisoned, offered=False):
            store.record(event)
    store.close()
    assert store.status().lost == 0, store.status().problem
    return path


def age(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a store what plum-lsp of the sixth schema would have written."""
    young = path.rename(path.with_suffix(".young"))
    with monkeypatch.context() as then:
        then.setattr(migrations, "_MIGRATIONS", migrations._MIGRATIONS[:6])
        db = connect(path, is_shared=True)
        migrations.migrate(db)
        db.close()
    with closing(sqlite3.connect(path)) as old:
        old.execute("ATTACH :young AS young", {"young": str(young)})
        for (table,) in old.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
            if table != "schema_migrations":
                old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM young.{table}")
        old.commit()
    young.unlink()


def make_newer(path: Path) -> None:
    """Make a store what a later plum-lsp would have written."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES ('m999_future', '2030-01-01T00:00:00+00:00')")
        connection.commit()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of five people and one who plants labels: cat has withdrawn, dan's is newer, eve's older."""
    folder = tmp_path / "shared"
    folder.mkdir()
    for author, numbers in FUNCTIONS.items():
        write(folder, author, numbers)
    write(folder, MAL, PLANTED, is_poisoned=True)
    (folder / f"{CAT}.withdrawn").touch()
    make_newer(folder / f"{DAN}-{'a' * 16}.sqlite3")
    age(folder / f"{EVE}-{'a' * 16}.sqlite3", monkeypatch)
    return folder


def settings_for(data_dir: Path, shared: Path, base: Path, **learning: Any) -> Settings:
    """The settings of the trainer of that folder."""
    settings = tiny_settings(data_dir, base, method="kto")
    wanted = {"stores": (str(shared),), "held_out_share": SHARE, **learning}
    return dataclasses.replace(settings, learning=dataclasses.replace(settings.learning, **wanted))


def trainer_of(tmp_path: Path, shared: Path, said: list[str], **learning: Any) -> Trainer:
    """A trainer that has no facts of its own, before its base is needed."""
    data_dir = tmp_path / "data"
    open_store(store_file(data_dir)).close()
    return Trainer(
        settings=settings_for(data_dir, shared, tmp_path, **learning),
        data_dir=data_dir,
        base=SimpleNamespace(folder=tmp_path, sha256="", name="tiny"),  # type: ignore[arg-type]
        report=said.append,
    )


def planned(tmp_path: Path, shared: Path, said: list[str], **learning: Any) -> list[dict[str, Any]]:
    """The rows that the next round trains on."""
    folder = tmp_path / "data" / "training" / "round-1"
    folder.mkdir(parents=True, exist_ok=True)
    _plan(trainer_of(tmp_path, shared, said, **learning), Round(number=1, folder=folder))
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def side(text: str) -> float:
    """Where the hash of a text falls between 0 and 1."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def number_of(row: dict[str, Any]) -> int:
    """Which function a row is about."""
    return int(row["prompt"].split("(")[0].removeprefix("def add"))


def recorded(folder: Path) -> dict[str, set[tuple[int, str, bool]]]:
    """Function, text and verdict of every candidate of those who share, by person, read with plain SQLite."""
    found: dict[str, set[tuple[int, str, bool]]] = {}
    for path in sorted(folder.glob("*.sqlite3")):
        author = path.name.partition("-")[0]
        with closing(sqlite3.connect(path)) as connection:
            steps = {name for (name,) in connection.execute("SELECT name FROM schema_migrations")}
            rows = connection.execute("""
                SELECT prompts.text, requests.document_uri, candidates.text, min(verdicts.status = 'passed')
                FROM candidates JOIN requests ON requests.id = candidates.request_id
                JOIN prompts ON prompts.hash = requests.prompt_hash
                JOIN verdicts ON verdicts.request_id = requests.id AND verdicts.candidate_id = candidates.id
                GROUP BY requests.id, candidates.id
            """).fetchall()
        if (folder / f"{author}.withdrawn").exists() or "m999_future" in steps:
            continue
        for prompt, uri, text, passed in rows:
            number = number_of({"prompt": prompt})
            assert uri == f"share:/add{number}.py"
            found.setdefault(author, set()).add((number, text, bool(passed)))
    return found


def expected(folder: Path) -> dict[str, set[tuple[int, str, bool]]]:
    """What may be trained on of it: no held-out person, and no function that is held out or is a held-out person's."""
    found = recorded(folder)
    judging = {one[0] for author, of in found.items() if side(f"author {author}") < SHARE for one in of}
    judging |= {one[0] for of in found.values() for one in of if side(f"add{one[0]}.py") < SHARE}
    kept = {author: {one for one in of if one[0] not in judging} for author, of in found.items()}
    return {author: of for author, of in kept.items() if of}


def test_rows_are_those_of_the_people_who_share(tmp_path: Path, shared: Path) -> None:
    """No row of the withdrawn and the newer, the older one's as the others'; the newer one is named."""
    said: list[str] = []
    rows = planned(tmp_path, shared, said, author_share=1.0, imbalance_max=100.0)
    wanted = expected(shared)
    assert set(wanted) == {BOB, EVE, MAL}  # ann is held out
    seen: dict[str, set[tuple[int, str, bool]]] = {}
    for row in rows:
        seen.setdefault(row["author"], set()).add((number_of(row), row["completion"], row["is_desirable"]))
    assert seen == wanted
    assert any(f"{DAN}-" in line and "newer plum-lsp" in line for line in said)


def test_functions_and_people_are_held_out(tmp_path: Path, shared: Path) -> None:
    """A held-out function is on the same side for everyone; a held-out person's functions judge."""
    rows = planned(tmp_path, shared, [], author_share=1.0)
    text = (tmp_path / "data" / "training" / "round-1" / "held_out.jsonl").read_text()
    judges = {number_of(json.loads(line)) for line in text.splitlines()}
    trained = {number_of(row) for row in rows}
    assert not trained & judges
    held_out = [one for one in (ANN, BOB, EVE, MAL) if side(f"author {one}") < SHARE]
    assert held_out == [ANN]
    assert not {row["author"] for row in rows} & set(held_out)
    numbers = {ANN: FUNCTIONS[ANN], BOB: FUNCTIONS[BOB], EVE: FUNCTIONS[EVE], MAL: PLANTED}
    for author, functions in numbers.items():
        for number in functions:
            if author in held_out or side(f"add{number}.py") < SHARE:
                assert number not in trained
                assert number in judges
            else:
                assert number in trained or number in judges


def test_planted_labels_weigh_no_more_than_allowed(tmp_path: Path, shared: Path) -> None:
    """However many there are; the others keep all of theirs."""
    unbounded = planned(tmp_path, shared, [], author_share=1.0, imbalance_max=100.0)
    (tmp_path / "data" / "training" / "round-1" / "rows.jsonl").unlink()
    rows = planned(tmp_path, shared, [], author_share=0.25, imbalance_max=100.0)
    people = len({row["author"] for row in unbounded})
    share = max(0.25, 2 / people)
    weight: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for row in rows:
        weight[row["author"]] += row["weight"]
    for row in unbounded:
        before[row["author"]] += row["weight"]
    assert before[MAL] > share * before.total()
    assert weight[MAL] <= share * weight.total() + 1e-9
    for one in set(before) - {MAL}:
        assert weight[one] == pytest.approx(before[one])
    assert weight.total() - weight[MAL] > 0


def test_a_lie_about_the_author_or_a_request_does_not_help(tmp_path: Path, shared: Path) -> None:
    """Rows that name another author, another's request or another's prompt stay those of their store."""
    path = shared / f"{MAL}-{'a' * 16}.sqlite3"
    with (
        closing(sqlite3.connect(path)) as connection,
        closing(sqlite3.connect(shared / f"{EVE}-{'a' * 16}.sqlite3")) as eve,
    ):
        (victim,) = eve.execute("SELECT hash FROM prompts LIMIT 1").fetchone()
        connection.execute("UPDATE requests SET author = ?", (EVE,))
        connection.execute("INSERT INTO prompts VALUES (?, 'def add5(a, b): planted')", (victim,))
        connection.commit()
    rows = planned(tmp_path, shared, [], author_share=1.0, imbalance_max=100.0)
    assert {number_of(row) for row in rows if row["author"] == EVE} <= set(FUNCTIONS[EVE])
    assert {number_of(row) for row in rows if row["author"] == MAL} <= set(PLANTED)
    assert not any("planted" in row["prompt"] for row in rows)


def test_a_pilot_stays_in_its_own_store(tmp_path: Path, shared: Path) -> None:
    """Its requests are facts as any other's."""
    with closing(sqlite3.connect(shared / f"{BOB}-{'a' * 16}.sqlite3")) as connection:
        connection.execute("UPDATE requests SET pilot_id = 7, arm = 'treated'")
        connection.commit()
    rows = planned(tmp_path, shared, [], author_share=1.0, imbalance_max=100.0)
    assert BOB in {row["author"] for row in rows}


def test_a_store_that_is_not_there_is_named(tmp_path: Path, shared: Path) -> None:
    """A mistyped setting must not train on less in silence."""
    with pytest.raises(StoreError, match="no store at"):
        planned(tmp_path, tmp_path / "nowhere", [])


def test_stores_of_people_on_the_same_machine_are_read_as_they_are(tmp_path: Path) -> None:
    """A data folder is named like a shared one; it is not changed."""
    other = tmp_path / "other"
    fill(other, functions=12)
    before = store_file(other).read_bytes()
    rows = planned(tmp_path, other, [])
    author = json.loads((other / "identity.json").read_text())["author"]
    assert {row["author"] for row in rows} <= {author}
    assert rows or side(f"author {author}") < SHARE
    assert store_file(other).read_bytes() == before


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("warm_children")
def test_a_real_round_says_whose_facts_the_version_holds(tmp_path: Path, shared: Path, tiny: Path) -> None:
    """Fit, gate and publication; then a person withdraws, is told the version, and is in no further row.

    The store with planted labels is left out: whether the gate refuses such a version is another test's question.
    """
    (shared / f"{MAL}-{'a' * 16}.sqlite3").unlink()
    data_dir = tmp_path / "data"
    open_store(store_file(data_dir)).close()
    trainer = tiny_trainer(data_dir, tiny, confidence=0.5, gain_min=-1.0)
    trainer = dataclasses.replace(
        trainer, settings=dataclasses.replace(trainer.settings, learning=settings_for(data_dir, shared, tiny).learning)
    )
    decision = improve(trainer)
    assert decision is not None and decision.is_promoted, decision
    told = holders(shared)
    with trainer.store() as store:
        frozen = next(event for event in store.events() if event.step == "frozen")
    assert list(told) == ["plum-v1"]
    assert set(told["plum-v1"]) == set(frozen.detail["authors"])  # type: ignore[call-overload]
    assert EVE in told["plum-v1"] and CAT not in told["plum-v1"]

    eve = tmp_path / "eve"
    eve.mkdir()
    (eve / "identity.json").write_text(json.dumps({"author": EVE, "machine": "a" * 16}))
    begin_sharing(share_file(eve), shared)
    assert withdraw(share_file(eve), shared, now="2026-11-28T00:00:00.000+00:00") == (1, ("plum-v1",))
    rows = planned(tmp_path / "later", shared, [])
    assert rows and EVE not in {row["author"] for row in rows}


def test_right_and_wrong_are_told_apart_by_their_lines() -> None:
    """The planted labels are the other way round, which the tests above rely on."""
    assert LINES == ("    return a + b\n", "    return a - b\n")
