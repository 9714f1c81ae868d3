"""The schema, as the list of its migrations. Append only: a released migration is never edited.

Facts are written once. No row is ever updated, and a correction is a new row. Pairs and labels are derived and may be
rebuilt. Only `forgetting` deletes facts. The module does not open files.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.database import APPLICATION_ID, immediate

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT
"""

_M001 = """
CREATE TABLE policy_versions (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  adapter_sha256 TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  UNIQUE (number, model, model_sha256, adapter_sha256)
) STRICT;
CREATE TABLE prompts (
  hash TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  document_uri TEXT NOT NULL,
  document_version INTEGER NOT NULL,
  cursor_offset INTEGER NOT NULL,
  trigger TEXT NOT NULL,
  hole_kind TEXT NOT NULL,
  hole_start INTEGER NOT NULL,
  hole_end INTEGER NOT NULL,
  function_name TEXT,
  is_excerpt INTEGER NOT NULL,
  restored TEXT NOT NULL,
  stop TEXT NOT NULL,
  temperatures TEXT NOT NULL,
  top_p REAL NOT NULL,
  max_tokens INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  prompted_at TEXT NOT NULL
) STRICT;
CREATE TABLE test_cases (
  request_id TEXT NOT NULL REFERENCES requests (id),
  id TEXT NOT NULL,
  position INTEGER NOT NULL,
  origin TEXT NOT NULL,
  setup TEXT NOT NULL,
  expression TEXT NOT NULL,
  expectation_kind TEXT NOT NULL,
  expectation TEXT NOT NULL,
  quote TEXT NOT NULL,
  PRIMARY KEY (request_id, id)
) STRICT;
CREATE TABLE candidates (
  request_id TEXT NOT NULL REFERENCES requests (id),
  id TEXT NOT NULL,
  position INTEGER NOT NULL,
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  model_sha256 TEXT NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  temperature REAL NOT NULL,
  top_p REAL NOT NULL,
  max_tokens INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  completion TEXT NOT NULL,
  text TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  problem TEXT NOT NULL,
  finish TEXT NOT NULL,
  token_logprobs TEXT NOT NULL,
  mean_logprob REAL,
  duplicate_of INTEGER,
  first_token_ms REAL NOT NULL,
  ended_ms REAL NOT NULL,
  sampled_at TEXT NOT NULL,
  PRIMARY KEY (request_id, id)
) STRICT;
CREATE TABLE judgements (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  reason TEXT NOT NULL,
  judged_at TEXT NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE INDEX judgements_by_candidate ON judgements (request_id, candidate_id);
CREATE TABLE verdicts (
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  test_id TEXT NOT NULL,
  status TEXT NOT NULL,
  shown TEXT NOT NULL,
  wall_ms REAL NOT NULL,
  sandbox_tier TEXT NOT NULL,
  sandbox_layers TEXT NOT NULL,
  python_version TEXT NOT NULL,
  judged_at TEXT NOT NULL,
  PRIMARY KEY (request_id, candidate_id, test_id),
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id),
  FOREIGN KEY (request_id, test_id) REFERENCES test_cases (request_id, id)
) STRICT;
CREATE TABLE offers (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE REFERENCES requests (id),
  candidate_id TEXT NOT NULL,
  hole_start INTEGER NOT NULL,
  hole_end INTEGER NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  reason TEXT NOT NULL,
  alternatives TEXT NOT NULL,
  offered_at TEXT NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE endings (
  request_id TEXT PRIMARY KEY,
  offer_id TEXT REFERENCES offers (id),
  reason TEXT,
  detail TEXT NOT NULL,
  stages_ms TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  CHECK ((offer_id IS NULL) <> (reason IS NULL))
) STRICT;
CREATE TABLE outcomes (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  accepted_length INTEGER,
  visible_ms REAL,
  happened_at TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_by_offer ON outcomes (offer_id);
"""

_M002 = """
ALTER TABLE judgements ADD COLUMN probability REAL;
ALTER TABLE judgements ADD COLUMN strength REAL;
"""

_M003 = """
CREATE TABLE programs (
  prompt_hash TEXT PRIMARY KEY REFERENCES prompts (hash),
  before TEXT NOT NULL,
  after TEXT NOT NULL
) STRICT;
CREATE TABLE survivals (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  after_ms INTEGER NOT NULL,
  share REAL NOT NULL,
  text TEXT NOT NULL,
  measured_at TEXT NOT NULL,
  UNIQUE (offer_id, after_ms)
) STRICT;
CREATE TABLE preference_pairs (
  id INTEGER PRIMARY KEY,
  build INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  source TEXT NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  chosen_request_id TEXT NOT NULL,
  chosen_candidate_id TEXT NOT NULL,
  chosen_text TEXT,
  rejected_request_id TEXT NOT NULL,
  rejected_candidate_id TEXT NOT NULL,
  weight REAL NOT NULL,
  distance REAL NOT NULL,
  FOREIGN KEY (chosen_request_id, chosen_candidate_id) REFERENCES candidates (request_id, id),
  FOREIGN KEY (rejected_request_id, rejected_candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE preference_labels (
  id INTEGER PRIMARY KEY,
  build INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  is_desirable INTEGER NOT NULL,
  weight REAL NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE pair_builds (
  id INTEGER PRIMARY KEY,
  report TEXT NOT NULL,
  built_at TEXT NOT NULL
) STRICT;
CREATE TABLE training_events (
  id INTEGER PRIMARY KEY,
  round INTEGER NOT NULL,
  step TEXT NOT NULL,
  detail TEXT NOT NULL,
  happened_at TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_prompt ON requests (prompt_hash);
CREATE INDEX training_events_by_round ON training_events (round);
"""

_M004 = """
CREATE TABLE qualities (
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  security TEXT NOT NULL,
  complexity INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  slowness REAL NOT NULL,
  appraised_at TEXT NOT NULL,
  PRIMARY KEY (request_id, candidate_id),
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id) ON DELETE CASCADE
) STRICT;
"""

_M005 = """
ALTER TABLE judgements ADD COLUMN sandbox_tier TEXT;
ALTER TABLE judgements ADD COLUMN python_version TEXT;
"""


_M006 = """
ALTER TABLE preference_labels ADD COLUMN text TEXT;
"""

_M007 = """
ALTER TABLE requests ADD COLUMN author TEXT;
ALTER TABLE requests ADD COLUMN machine TEXT;
"""

_M008 = """
CREATE TABLE pilots (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  control_share REAL NOT NULL,
  is_shadow INTEGER NOT NULL,
  measure TEXT NOT NULL,
  gain_min REAL NOT NULL,
  effect_min REAL,
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL
) STRICT;
CREATE TABLE pilot_stops (
  pilot_id INTEGER PRIMARY KEY REFERENCES pilots (id),
  stopped_at TEXT NOT NULL
) STRICT;
ALTER TABLE requests ADD COLUMN pilot_id INTEGER REFERENCES pilots (id);
ALTER TABLE requests ADD COLUMN arm TEXT;
CREATE INDEX requests_by_pilot ON requests (pilot_id);
"""

_M009 = """
ALTER TABLE outcomes ADD COLUMN tier TEXT;
"""


def _m001_facts(db: Database) -> None:
    """The first schema. An ending has no foreign key to its request: one that ends before its prompt has no row."""
    db.executescript(_M001)


def _m002_evidence_weight(db: Database) -> None:
    """How far a judgement can be trusted. NULL means that there is no estimate.

    `probability` is the calibrated chance, in [0, 1], that the candidate is right. `strength` is the share of wrong
    variants that its tests detect, in [0, 1].
    """
    db.executescript(_M002)


def _m003_learning(db: Database) -> None:
    """What learning needs: programs to run again, what survived, pairs and labels, and what the trainer did.

    Pairs, labels and builds are derived: they alone are deleted and built again. `programs` holds the code around
    the hole of a prompt, which a held-out evaluation runs candidates in.
    """
    db.executescript(_M003)


def _m004_quality(db: Database) -> None:
    """What was seen of candidates beside correctness: `security` is a JSON list, `lines` counts lines of code,
    `slowness` is a ratio of at least 1 to the siblings' median time.
    """
    db.executescript(_M004)


def _m005_isolation(db: Database) -> None:
    """Where a judged candidate ran, also if no test gave it a verdict. NULL means that it was not run.

    Older judgements have NULL. Their verdicts have the value.
    """
    db.executescript(_M005)


def _m006_corrections(db: Database) -> None:
    """The text of a label that is a user's correction. NULL means the candidate's own text.

    Labels are derived. Those from before have no corrections until they are built again.
    """
    db.executescript(_M006)


def _m007_author(db: Database) -> None:
    """Random ids of the person and the machine that made a request (`identity`). NULL in older requests: the store's
    own.
    """
    db.executescript(_M007)


def _m008_pilots(db: Database) -> None:
    """Pilots with what was decided before their start, and the arm of each request. NULL means that no pilot ran."""
    db.executescript(_M008)


def _m009_label_on_the_screen(db: Database) -> None:
    """The label that an offer had on the screen when the outcome happened.

    NULL in older outcomes: the offer had the label that it was made with.
    """
    db.executescript(_M009)


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
            remedy="Upgrade plum-lsp, or set PLUM_DATA_DIR to another folder.",
        )


def is_current(db: Database) -> bool:
    """Whether every step was applied."""
    return _applied(db) == {name for name, _ in _MIGRATIONS}


def _applied(db: Database) -> set[str]:
    """The names of the steps that the database holds. Empty for a new database."""
    if not db["schema_migrations"].exists():
        return set()
    return {str(name) for (name,) in db.execute("SELECT name FROM schema_migrations")}
