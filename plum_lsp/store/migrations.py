"""The schema, as the list of its migrations. Append only: a released migration is never edited.

Facts are written once. No row is ever updated, and a correction is a new row. Pairs and labels are derived and may be
rebuilt. Only `forgetting` deletes facts. The module does not open files.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.store import schema
from plum_lsp.store.database import APPLICATION_ID, immediate

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT
"""


def _m001_facts(db: Database) -> None:
    """The first schema. An ending has no foreign key to its request: one that ends before its prompt has no row."""
    db.executescript(schema.M001)


def _m002_evidence_weight(db: Database) -> None:
    """How far a judgement can be trusted. NULL means that there is no estimate.

    `probability` is the calibrated chance, in [0, 1], that the candidate is right. `strength` is the share of wrong
    variants that its tests detect, in [0, 1].
    """
    db.executescript(schema.M002)


def _m003_learning(db: Database) -> None:
    """What learning needs: programs to run again, what survived, pairs and labels, and what the trainer did.

    Pairs, labels and builds are derived: they alone are deleted and built again. `programs` holds the code around
    the hole of a prompt, which a held-out evaluation runs candidates in.
    """
    db.executescript(schema.M003)


def _m004_quality(db: Database) -> None:
    """What was seen of candidates beside correctness: `security` is a JSON list, `lines` counts lines of code,
    `slowness` is a ratio of at least 1 to the siblings' median time.
    """
    db.executescript(schema.M004)


def _m005_isolation(db: Database) -> None:
    """Where a judged candidate ran, also if no test gave it a verdict. NULL means that it was not run.

    Older judgements have NULL. Their verdicts have the value.
    """
    db.executescript(schema.M005)


def _m006_corrections(db: Database) -> None:
    """The text of a label that is a user's correction. NULL means the candidate's own text.

    Labels are derived. Those from before have no corrections until they are built again.
    """
    db.executescript(schema.M006)


def _m007_author(db: Database) -> None:
    """Random ids of the person and the machine that made a request (`identity`). NULL in older requests: the store's
    own.
    """
    db.executescript(schema.M007)


def _m008_pilots(db: Database) -> None:
    """Pilots with what was decided before their start, and the arm of each request. NULL means that no pilot ran."""
    db.executescript(schema.M008)


def _m009_label_on_the_screen(db: Database) -> None:
    """The label that an offer had on the screen when the outcome happened.

    NULL in older outcomes: the offer had the label that it was made with.
    """
    db.executescript(schema.M009)


def _m010_pilot_answers(db: Database) -> None:
    """Answers to the questions of a pilot's week, from 1 to 5. Of two answers in one week, the later counts."""
    db.executescript(schema.M010)


_MIGRATIONS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("m001_facts", _m001_facts),
    ("m002_evidence_weight", _m002_evidence_weight),
    ("m003_learning", _m003_learning),
    ("m004_quality", _m004_quality),
    ("m005_isolation", _m005_isolation),
    ("m006_corrections", _m006_corrections),
    ("m007_author", _m007_author),
    ("m008_pilots", _m008_pilots),
    ("m009_label_on_the_screen", _m009_label_on_the_screen),
    ("m010_pilot_answers", _m010_pilot_answers),
)


def migrate(db: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> tuple[str, ...]:
    """Bring the schema up to date, one transaction a step, and return the names of the applied steps.

    Two processes may do so at once. The second waits for the first and has no step left to apply.

    Raises:
        StoreError: a newer version of plum-lsp wrote this database. It is not changed.
    """
    refuse_newer(db)
    applied = []
    for name, step in _MIGRATIONS:
        if name in _applied(db):
            continue
        with immediate(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(_LEDGER)
            if name not in _applied(db):
                step(db)
                ledger_row = {"name": name, "applied_at": now().isoformat(timespec="milliseconds")}
                db.execute("INSERT INTO schema_migrations (name, applied_at) VALUES (:name, :applied_at)", ledger_row)
                applied.append(name)
    return tuple(applied)


def refuse_newer(db: Database) -> None:
    """Raise if the database holds a step this version does not know.

    Raises:
        StoreError: it does. The database is unchanged.
    """
    unknown = _applied(db) - {name for name, _ in _MIGRATIONS}
    if unknown:
        raise StoreError(
            f"the store was written by a newer plum-lsp (it has {', '.join(sorted(unknown))})",
            remedy="Upgrade this one: pip install --upgrade plum-lsp. Or set PLUM_DATA_DIR to another folder.",
        )


def is_current(db: Database) -> bool:
    """Whether every step was applied."""
    return _applied(db) == {name for name, _ in _MIGRATIONS}


def _applied(db: Database) -> set[str]:
    """The names of the steps that the database holds. Empty for a new database."""
    if not db["schema_migrations"].exists():
        return set()
    return {str(name) for (name,) in db.execute("SELECT name FROM schema_migrations")}
